"""One request of 50,000 rows and 20 columns: the first, one after ten, and the most memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.figures import Figure
from benchmarks.measures.peak_memory import PeakMemory
from benchmarks.models import LARGE_ROWS, Model
from benchmarks.session import Session
from benchmarks.stacks.server import Server, StackFailed

CSV, PARQUET, NPY = "text/csv", "application/vnd.apache.parquet", "application/x-npy"
NAMES = {CSV: "CSV", PARQUET: "Parquet", NPY: "NPY"}
CSV_STACKS = ("ours", "stock", "classic", "fastapi")
# The stock decoder takes no Parquet, and the classic container nothing but CSV.
OTHER_STACKS = ("ours", "fastapi")
# As shipped, multi-model-server takes 6.5 MB and answers more with 413.
SETTINGS = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "100"}
# A first body is one for each server: so many times, servers are started anew.
STARTS = 3
WARM = 9
MEGABYTE = 1e6


@dataclass
class _Taken:
    """What one kind of body took, by the stack's name: a value for each start."""

    first: dict[str, list[float]]
    later: dict[str, list[float]]
    memory: dict[str, list[float]]


def csv(session: Session) -> list[Figure]:
    return measure(session, CSV, CSV_STACKS)


def parquet(session: Session) -> list[Figure]:
    return measure(session, PARQUET, OTHER_STACKS)


def npy(session: Session) -> list[Figure]:
    return measure(session, NPY, OTHER_STACKS)


def measure(session: Session, media_type: str, stacks: tuple[str, ...]) -> list[Figure]:
    """Start servers some times; each has its first body, nine more, and then turns."""
    model = session.model("table")
    taken = _Taken({}, {}, {})
    for _ in range(min(STARTS, session.rounds)):
        with session.servers(stacks, model, SETTINGS) as servers:
            _one_start(session, model, media_type, servers, taken)
    name = NAMES[media_type]
    title = f"{LARGE_ROWS:,} × 20 {name} ({len(model.large[media_type]) / MEGABYTE:.1f} MB)"
    key = f"large-{name.lower()}"
    return [
        Figure(f"{key}.first", f"{title}: the first", "s", taken.first),
        Figure(f"{key}.seconds", f"{title}: after ten", "s", taken.later),
        Figure(f"{key}.memory", f"{title}: most memory of all processes", "MB", taken.memory),
    ]


def _one_start(
    session: Session, model: Model, media_type: str, servers: dict[str, Server], taken: _Taken
) -> None:
    session.say(f"large bodies, {media_type}")
    peaks = {name: PeakMemory(server.pid) for name, server in servers.items()}
    turns = {name: partial(turn, server, model, media_type) for name, server in servers.items()}
    first = session.take_turns(turns, rounds=1)
    # To look at memory takes time of the CPUs: what is looked at is not timed.
    watched = {name: partial(_watched, peaks[name], turns[name]) for name in first}
    first = {name: first[name] for name in session.take_turns(watched, rounds=WARM)}
    later = session.take_turns({name: turns[name] for name in first})
    for name, values in later.items():
        taken.first.setdefault(name, []).extend(first[name])
        taken.later.setdefault(name, []).append(statistics.median(values))
        taken.memory.setdefault(name, []).append(peaks[name].bytes / MEGABYTE)


def _watched(peak: PeakMemory, ask: Callable[[], float]) -> float:
    with peak:
        return ask()


def turn(server: Server, model: Model, media_type: str) -> float:
    with server.client() as client:
        start = time.perf_counter()
        answer = client.invoke(model.large[media_type], media_type, CSV).require_ok()
        taken = time.perf_counter() - start
    if answer.body != model.large_answer:
        raise StackFailed(f"{server.stack.label} answered a large body wrongly")
    return taken
