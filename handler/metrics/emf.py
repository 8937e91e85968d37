"""What is told as lines of CloudWatch's embedded metric format, for who has nothing that asks.

A line for each name and set of labels that has changed: CloudWatch makes metrics of them wherever a
log comes to it. A counter is told as what it has grown by since the last time, and so is a
histogram: the bounds of its buckets, moved alike so that their mean is the true one, and how many
were in each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from handler.metrics.families import Family, Labels, Sample

NAMESPACE = "byo"
# What it is a constant of.
_LEFT_OUT = ("byo_build_info",)
_UNITS = {"seconds": "Seconds", "bytes": "Bytes", "percent": "Percent"}

Value = float | dict[str, list[float]]


class EmfLines:
    """Tells what has changed since it was told last."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, Labels], float] = {}

    def lines(self, families: Iterable[Family], milliseconds: int) -> Iterator[str]:
        """A line for each name and set of labels that there is something to tell of.

        Args:
            families: all that is counted.
            milliseconds: the time, since 1970.
        """
        for family in families:
            if family.name in _LEFT_OUT:
                continue
            for labels, samples in _by_labels(family.samples).items():
                value = self._value(family, samples)
                if value is not None:
                    yield _line(family, labels, value, milliseconds)

    def _value(self, family: Family, samples: Sequence[Sample]) -> Value | None:
        if family.kind == "gauge":
            return samples[0].value
        grown = [self._grown(family.name, one) for one in samples]
        if family.kind == "counter":
            return grown[0] or None
        *buckets, total, count = grown
        if not count:
            return None
        if family.kind == "summary":
            return {"Values": [total / count], "Counts": [count]}
        return _distribution(samples, buckets, total)

    def _grown(self, name: str, sample: Sample) -> float:
        key = name + sample.ending, sample.labels
        before = self._before.get(key, 0.0)
        self._before[key] = sample.value
        # A model that has no name of its own any more, and gets one again, goes on where it was.
        return max(0.0, sample.value - before)


def _by_labels(samples: Iterable[Sample]) -> dict[Labels, list[Sample]]:
    """The samples by their labels, those of a histogram's buckets together."""
    found: dict[Labels, list[Sample]] = {}
    for sample in samples:
        labels = tuple(one for one in sample.labels if one[0] != "le")
        found.setdefault(labels, []).append(sample)
    return found


def _distribution(
    samples: Sequence[Sample], buckets: Sequence[float], total: float
) -> dict[str, list[float]]:
    bounds = [float(dict(one.labels)["le"]) for one in samples[: len(buckets)]]
    bounds[-1] = bounds[-2]  # instead of infinity
    numbers = [more - less for more, less in zip(buckets, [0.0, *buckets[:-1]], strict=True)]
    filled = [pair for pair in zip(bounds, numbers, strict=True) if pair[1] > 0]
    scale = total / sum(bound * number for bound, number in filled)
    return {
        "Values": [bound * scale for bound, _ in filled],
        "Counts": [number for _, number in filled],
    }


def _line(family: Family, labels: Labels, value: Value, milliseconds: int) -> str:
    unit = _UNITS.get(family.name.rpartition("_")[2], "Count")
    directive: dict[str, Any] = {
        "Namespace": NAMESPACE,
        "Dimensions": [[name for name, _ in labels]],
        "Metrics": [{"Name": family.name, "Unit": unit}],
    }
    document = {
        "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]},
        # CloudWatch takes no dimension that is empty.
        **{name: text or "none" for name, text in labels},
        family.name: value,
    }
    return json.dumps(document)
