"""All that `/metrics` tells: each family's name, labels and meaning.

docs/metrics.md has the same for those who read it.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata

from handler.metrics.figures import Figures, Measured
from handler.metrics.layout import (
    LEFT_OUT_AT,
    LOAD,
    OUTCOMES,
    OUTCOMES_AT,
    REASONS,
    REASONS_AT,
    ROWS,
    STAGES,
    Histogram,
)
from handler.metrics.user_figures import COUNTER_ENDING

USER_PREFIX = "byo_user_"
# As many names of user code are told, of all models together.
MOST_USER_FAMILIES = 100

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sample:
    """One line: what is added to the family's name, the labels, and the value."""

    ending: str
    labels: Labels
    value: float


@dataclass
class Family:
    """Samples of one name.

    Args:
        name: without the ending that a counter's samples have.
        kind: counter, gauge, histogram or summary.
        meaning: what it is.
        samples: what is told of it.
    """

    name: str
    kind: str
    meaning: str
    samples: list[Sample] = field(default_factory=list)

    def add(self, labels: Labels, value: float, ending: str = "") -> None:
        """Tell one value more."""
        ending = COUNTER_ENDING if self.kind == "counter" else ending
        self.samples.append(Sample(ending, labels, value))

    def add_histogram(self, labels: Labels, figures: Figures, histogram: Histogram) -> None:
        """Tell a histogram, if anything has been observed."""
        cells = figures.cells[histogram.at : histogram.end].tolist()
        *buckets, total = cells
        if not sum(buckets):
            return
        count = 0.0
        for bound, bucket in zip((*histogram.bounds, float("inf")), buckets, strict=True):
            count += bucket
            self.add((*labels, ("le", _bound(bound))), count, "_bucket")
        self.add(labels, total, "_sum")
        self.add(labels, count, "_count")


@dataclass(frozen=True)
class Told:
    """What there is to tell at one moment.

    Args:
        models: what was counted, by label.
        in_flight: how many invocations wait or are answered, by label.
        memory: bytes, by label.
        loaded: how many models are loaded.
        server: what was counted of no model.
        everything: what was counted of all models.
    """

    models: Mapping[str, Figures]
    in_flight: Mapping[str, int]
    memory: Mapping[str, int]
    loaded: int
    server: Figures
    everything: Figures


def families(told: Told) -> Iterator[Family]:
    """Each family that has something to tell."""
    for make in _ALL:
        family = make(told)
        if family.samples:
            yield family
    yield from _users(told)


def _build(_: Told) -> Family:
    family = Family("byo_build_info", "gauge", "The versions of what serves; always 1.")
    labels = {
        "version": metadata.version("byo"),
        "python": platform.python_version(),
        "scikit_learn": metadata.version("scikit-learn"),
        "multi_model_server": metadata.version("multi-model-server"),
    }
    family.add(tuple(labels.items()), 1)
    return family


def _invocations(told: Told) -> Family:
    family = Family(
        "byo_invocations",
        "counter",
        "Invocations by the status that the caller got, whoever answered: the model, the frontend "
        "or its guard; 499 where the caller had left before its answer.",
    )
    for model, figures in told.models.items():
        for code, number in sorted(figures.codes.items()):
            family.add((("model", model), ("code", code)), number)
    return family


def _in_flight(told: Told) -> Family:
    family = Family(
        "byo_invocations_in_flight", "gauge", "Invocations that wait or are being answered."
    )
    for model, number in sorted(told.in_flight.items()):
        family.add((("model", model),), number)
    return family


def _stages(told: Told) -> Family:
    family = Family(
        "byo_invocation_seconds",
        "histogram",
        "Where the time of an invocation that reached its model went. queue: from its last byte's "
        "arrival until a worker begins with it; decode, predict, encode: the steps in the worker. "
        "Of invocations that are answered together each has the step's whole time. transform_fn "
        "counts as predict.",
    )
    for model, figures in told.models.items():
        for stage, histogram in STAGES.items():
            family.add_histogram((("model", model), ("stage", stage)), figures, histogram)
    return family


def _rows(told: Told) -> Family:
    family = Family(
        "byo_batch_rows",
        "histogram",
        "Rows that the model was given in one prediction, of one invocation or of several.",
    )
    for model, figures in told.models.items():
        family.add_histogram((("model", model),), figures, ROWS)
    return family


def _loads(told: Told) -> Family:
    family = Family(
        "byo_model_loads",
        "counter",
        "Loads of models by how they ended: loaded, failed, no_memory, or died where the process "
        "ended by it. To load anew counts as well.",
    )
    for model, figures in told.models.items():
        for number, outcome in enumerate(OUTCOMES):
            if times := figures.cells[OUTCOMES_AT + number]:
                family.add((("model", model), ("outcome", outcome)), times)
    return family


def _load_seconds(told: Told) -> Family:
    family = Family("byo_model_load_seconds", "histogram", "What loading a model took.")
    family.add_histogram((), told.everything, LOAD)
    return family


def _loaded(told: Told) -> Family:
    family = Family("byo_models_loaded", "gauge", "Models that a process holds.")
    family.add((), told.loaded)
    return family


def _memory(told: Told) -> Family:
    family = Family(
        "byo_model_memory_bytes",
        "gauge",
        "Memory of a model's processes, with their share of what they have in common with others "
        "(PSS). Not told of models that share a process.",
    )
    for model, number in sorted(told.memory.items()):
        family.add((("model", model),), number)
    return family


def _restarts(told: Told) -> Family:
    family = Family(
        "byo_worker_restarts",
        "counter",
        "Processes that were replaced, by why they ended: exited, crashed, killed (for lack of "
        "memory, mostly), overdue, or fork_server for that and all that it had forked.",
    )
    for number, reason in enumerate(REASONS):
        family.add((("reason", reason),), told.server.cells[REASONS_AT + number])
    return family


def _left_out(told: Told) -> Family:
    family = Family(
        "byo_user_values_left_out",
        "counter",
        "Values of context.metrics that are not told: too many names, or no number.",
    )
    if times := told.everything.cells[LEFT_OUT_AT]:
        family.add((), times)
    return family


_ALL: tuple[Callable[[Told], Family], ...] = (
    _build, _invocations, _in_flight, _stages, _rows, _loads, _load_seconds, _loaded, _memory,
    _restarts, _left_out,
)  # fmt: skip


def _users(told: Told) -> Iterator[Family]:
    names = sorted({name for figures in told.models.values() for name in figures.users})
    for name in names[:MOST_USER_FAMILIES]:
        is_counter = name.endswith(COUNTER_ENDING)
        family = Family(
            USER_PREFIX + name.removesuffix(COUNTER_ENDING),
            "counter" if is_counter else "summary",
            "Measured by user code through context.metrics.",
        )
        for model, figures in told.models.items():
            if name in figures.users:
                _add_measured(family, (("model", model),), figures.users[name])
        yield family


def _add_measured(family: Family, labels: Labels, measured: Measured) -> None:
    if family.kind == "counter":
        family.add(labels, measured.sum)
    else:
        family.add(labels, measured.sum, "_sum")
        family.add(labels, measured.times, "_count")


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(float(bound))
