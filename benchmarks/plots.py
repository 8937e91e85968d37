"""Pictures of the figures: one panel for each of a group of figures, one bar for each stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.figures import Figure
from benchmarks.stacks.all_stacks import OURS, STACKS

# By the name of the file.
PICTURES: dict[str, Sequence[str]] = {
    "throughput": (
        "iris.throughput.1", "iris.throughput.16", "iris.throughput.64",
        "forest.throughput.16", "boosting.throughput.16",
    ),
    "latency": ("iris.p50.1", "iris.p99.1", "iris.p50.64", "iris.p99.64"),
    "models": ("load.seconds", "thousand.seconds", "memory.model"),
    "once": ("startup.seconds", "large-csv.seconds"),
}  # fmt: skip
PANEL_INCHES = (3.6, 2.6)
TITLE_WIDTH = 32
OURS_COLOUR, OTHER_COLOUR = "#1b6ca8", "#b8c4ce"
DOTS_PER_INCH = 120


def draw(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Draw each picture of which there are figures; the files."""
    mpl.use("Agg")
    files = []
    for name, parts in PICTURES.items():
        if panels := [figures[part] for part in parts if part in figures]:
            files.append(folder / f"{name}.png")
            _picture(panels).savefig(files[-1], dpi=DOTS_PER_INCH)
    return files


def _picture(panels: Sequence[Figure]) -> Canvas:
    width, height = PANEL_INCHES
    columns = {1: 1, 2: 2, 4: 2}.get(len(panels), 3)
    rows = -(-len(panels) // columns)
    canvas = Canvas(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(canvas.subplots(rows, columns, squeeze=False).flat)
    for axis, figure in zip(axes, panels, strict=False):
        _panel(axis, figure)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return canvas


def _panel(axis: Axes, figure: Figure) -> None:
    """Bars of the medians, and a line from the least to the greatest value of a round."""
    spreads = {name: spread for name in reversed(STACKS) if (spread := figure.spread(name))}
    labels = [STACKS[name].label for name in spreads]
    medians = [spread.median for spread in spreads.values()]
    around = [
        [spread.median - spread.low for spread in spreads.values()],
        [spread.high - spread.median for spread in spreads.values()],
    ]
    colours = [OURS_COLOUR if STACKS[name].label.startswith(OURS) else OTHER_COLOUR
               for name in spreads]  # fmt: skip
    bars = axis.barh(labels, medians, xerr=around, color=colours, ecolor="#555555", capsize=2)
    axis.bar_label(bars, fmt=lambda value: f" {value:,.4g}", fontsize=7, padding=3)
    axis.set_title("\n".join(wrap(f"{figure.title} ({figure.unit})", TITLE_WIDTH)), fontsize=8)
    axis.tick_params(labelsize=7)
    axis.margins(x=0.25)
    axis.spines[["top", "right"]].set_visible(False)
