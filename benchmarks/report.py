"""What came of a run, as markdown: targets, figures, and the machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.figures import ERRORS, Figure, Spread
from benchmarks.stacks.all_stacks import OURS, STACKS
from benchmarks.targets import TARGETS, Target


@dataclass(frozen=True)
class Results:
    """A whole run.

    Args:
        machine: what it ran on.
        options: how it was called.
        figures: what was measured.
        absent: why stacks are missing, by name.
        failures: what went wrong on the way.
    """

    machine: Mapping[str, str]
    options: Mapping[str, object]
    figures: Sequence[Figure]
    absent: Mapping[str, str]
    failures: Sequence[str]

    def by_name(self) -> dict[str, Figure]:
        return {figure.name: figure for figure in self.figures}

    def to_json(self) -> dict[str, Any]:
        targets = [
            asdict(target) | {"reached": reached and reached._asdict()}
            for target, reached in _reached(self)
        ]
        return asdict(self) | {"targets": targets}


def markdown(results: Results) -> str:
    """The whole report."""
    parts = ["# Serving: what was measured\n"]
    if met := _targets(results):
        parts += ["## Aims\n", met, NOTE_ON_RATIOS]
    parts += ["## Figures\n", NOTE_ON_FIGURES, *_tables(results.figures)]
    parts += [_list("## Not compared\n", [f"{STACKS[name].label}: {why}"
                                          for name, why in results.absent.items()])]  # fmt: skip
    parts += [_list("## Failed\n", results.failures)]
    parts += ["## The machine\n", _rows(("", ""), results.machine.items())]
    parts += [_rows(("option", "value"), results.options.items())]
    return "\n".join(part for part in parts if part)


NOTE_ON_RATIOS = """\
Reached: the median of the rounds' own ratios, in brackets the least and the greatest.
"""
NOTE_ON_FIGURES = """\
The median of the rounds' values, and beside it how many times as much it is as ours.
"""


def _reached(results: Results) -> Iterable[tuple[Target, Spread | None]]:
    figures = results.by_name()
    return ((target, target.reached(figures)) for target in TARGETS)


def _targets(results: Results) -> str:
    rows = [
        (_what(target), _aim(target), _spread(reached), "yes" if target.met(reached) else "**no**")
        for target, reached in _reached(results)
        if reached
    ]
    return _rows(("what", "aim", "reached", "met"), rows) if rows else ""


def _aim(target: Target) -> str:
    unit = f" × {STACKS[target.against].label}" if target.against else ""
    return f"{'≥' if target.least else '≤'} {target.bound:.4g}{unit}"


def _what(target: Target) -> str:
    return target.what if target.stack == OURS else f"{target.what} ({STACKS[target.stack].label})"


def _tables(figures: Sequence[Figure]) -> Iterator[str]:
    """A table for each group of figures that are of the same stacks."""
    for stacks, group in itertools.groupby(figures, key=lambda figure: tuple(figure.values)):
        shown = [figure for figure in group if not _is_good_news(figure)]
        names = [*(name for name in STACKS if name in stacks), *(set(stacks) - set(STACKS))]
        header = ("", *(STACKS[name].label if name in STACKS else name for name in names))
        rows = [(_title(figure), *(_cell(figure, name) for name in names)) for figure in shown]
        yield _rows(header, rows)


def _is_good_news(figure: Figure) -> bool:
    """Whether a figure counts what went wrong, and nothing did."""
    return figure.unit == ERRORS and not any(map(any, figure.values.values()))


def _title(figure: Figure) -> str:
    return f"{figure.title}, {figure.unit}" if figure.unit else figure.title


def _cell(figure: Figure, stack: str) -> str:
    value = figure.spread(stack)
    if value is None:
        return ""
    ratio = figure.ratio(stack, OURS) if stack != OURS and figure.compared else None
    return _number(value.median) + (f" ({_number(ratio.median)} ×)" if ratio else "")


def _spread(spread: Spread) -> str:
    return f"{_number(spread.median)} [{_number(spread.low)}–{_number(spread.high)}]"


def _number(value: float) -> str:
    """Three significant digits, without powers of ten."""
    if not 0.001 <= abs(value) < 100:
        return f"{value:,.0f}" if abs(value) >= 1 or value == 0 else f"{value:.5f}"
    return f"{value:.3g}"


def _rows(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def _list(title: str, items: Sequence[str]) -> str:
    return "\n".join([title, *(f"- {item}" for item in items), ""]) if items else ""
