"""What was aimed at, as ratios on two cores, and what was reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.figures import Figure, Spread
from benchmarks.measures.throughput import OTHER_BOOSTERS


@dataclass(frozen=True)
class Target:
    """An aim.

    Args:
        what: it in words.
        figure: the figure's name.
        bound: what the median is to reach, or not to pass.
        least: whether the bound is the least that it may be; else the most.
        against: the stack whose values are the unit; None if the values are the aim as they are.
        stack: whose values count.
    """

    what: str
    figure: str
    bound: float
    least: bool
    against: str | None = None
    stack: str = "ours"

    def reached(self, figures: Mapping[str, Figure]) -> Spread | None:
        """What was measured of it, if it was."""
        figure = figures.get(self.figure)
        if figure is None:
            return None
        return figure.ratio(self.stack, self.against) if self.against else figure.spread(self.stack)

    def met(self, reached: Spread) -> bool:
        return reached.median >= self.bound if self.least else reached.median <= self.bound


def _least(what: str, figure: str, bound: float, against: str | None = None) -> Target:
    return Target(what, figure, bound, True, against)


def _most(
    what: str, figure: str, bound: float, against: str | None = None, stack: str = "ours"
) -> Target:
    return Target(what, figure, bound, False, against, stack)


TARGETS = (
    _least("throughput, iris, 64 clients", "iris.throughput.64", 8, "stock"),
    _least("throughput, iris, 64 clients", "iris.throughput.64", 12, "classic"),
    _least("throughput, iris, 64 clients", "iris.throughput.64", 3.5, "fastapi"),
    _least("throughput, 100 trees, 16 clients", "forest.throughput.16", 6, "stock"),
    _least("throughput, boosting, 16 clients", "boosting.throughput.16", 2, "stock"),
    _least("throughput, boosting, 16 clients", "boosting.throughput.16", 1, "fastapi-omp1"),
    _least("throughput, penguins, 16 clients", "penguins.throughput.16", 10, "fastapi"),
    _least(
        "throughput, penguins, 100 trees, 16 clients",
        "penguins-forest.throughput.16",
        15,
        "fastapi",
    ),
    _least("throughput, a script's predict_proba, 16 clients", "script.throughput.16", 8, "stock"),
    _most("median latency, penguins, 1 client", "penguins.p50.1", 0.15, "fastapi"),
    _most("median latency, boosting, 1 client", "boosting.p50.1", 0.35, "fastapi-omp1"),
    *(
        target
        for name in OTHER_BOOSTERS
        for target in (
            _most(f"median latency, {name}, 1 client", f"{name}.p50.1", 1, "fastapi-omp1"),
            _least(f"throughput, {name}, 16 clients", f"{name}.throughput.16", 1, "fastapi-omp1"),
        )
    ),
    _least("throughput with metrics, 64 clients", "metrics.throughput.64", 0.98, "no-metrics"),
    _most("median latency with metrics, 1 client", "metrics.p50.1", 1.02, "no-metrics"),
    _most("median latency, iris, 1 client", "iris.p50.1", 0.4, "stock"),
    _most("median latency, iris, 1 client", "iris.p50.1", 1, "fastapi"),
    _most("p99 latency, iris, 64 clients", "iris.p99.64", 0.2, "stock"),
    _most("50,000 × 20 CSV, after ten", "large-csv.seconds", 0.7, "classic"),
    _most("50,000 × 20 CSV, the first", "large-csv.first", 2, "classic"),
    _most("50,000 × 20 CSV, most memory", "large-csv.memory", 1, "fastapi"),
    _most("start to first answer", "startup.seconds", 0.6, "stock"),
    _most("start to first answer", "startup.seconds", 1, "classic"),
    _most("p99 of a client's first 5,000 requests", "first.p99", 1.5, "fastapi"),
    _most("LOAD of a small model", "load.seconds", 1 / 40, "stock"),
    _most("seconds to load 1,000 models", "thousand.seconds", 60),
    _most("memory of one model more, own process", "memory.model", 1 / 20, "stock"),
    _most("memory of one model more, shared", "memory.model", 1 / 100, "stock", "shared"),
    _least("share given back when DELETE answers", "memory.returned", 0.9),
    _most("other models' p99 during a LOAD", "neighbours.p99", 1.1),
    _most("p99 while one of two workers is busy", "busy.p99", 1.5),
    _least("throughput while one of two workers is busy", "busy.throughput", 0.4),
)
