"""All measures by name, in the order in which a run takes them."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.figures import Figure
from benchmarks.measures import (
    busy_worker,
    first_requests,
    generator_ceiling,
    large_body,
    loading,
    memory,
    neighbours,
    recovery,
    startup,
    throughput,
)
from benchmarks.session import Session

MEASURES: dict[str, Callable[[Session], list[Figure]]] = {
    "generator": generator_ceiling.ceiling,
    "iris": throughput.iris,
    "forest": throughput.forest,
    "boosting": throughput.boosting,
    "other-boosters": throughput.other_boosters,
    "penguins": throughput.penguins,
    "penguins-forest": throughput.penguins_forest,
    "script": throughput.script,
    "metrics": throughput.metrics,
    "large-csv": large_body.csv,
    "large-parquet": large_body.parquet,
    "large-npy": large_body.npy,
    "startup": startup.seconds,
    "first": first_requests.latencies,
    "load": loading.one_more,
    "memory": memory.per_model,
    "thousand": loading.thousand,
    "neighbours": neighbours.latency,
    "busy": busy_worker.others,
    "recovery": recovery.seconds,
}
