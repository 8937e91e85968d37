"""Answers per second and latencies, one row a request, under a number of clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks import load_run
from benchmarks.figures import CPUS, ERRORS, Figure
from benchmarks.load_run import Outcome, Plan
from benchmarks.models import Model
from benchmarks.session import Session
from benchmarks.stacks.server import Server

IRIS_CLIENTS = (1, 16, 64)
IRIS_STACKS = ("ours", "stock", "classic", "fastapi", "fastapi-silent", "control")
FOREST_STACKS = ("ours", "stock", "classic", "fastapi", "control")
BOOSTING_STACKS = ("ours", "stock", "classic", "fastapi", "fastapi-omp1")
OTHER_BOOSTERS = ("xgboost", "xgboost-booster", "lightgbm", "lightgbm-booster", "catboost")
OTHER_BOOSTERS_STACKS = ("ours", "fastapi-omp1")
# The others' readers of CSV know nothing but numbers.
PENGUINS_STACKS = ("ours", "fastapi", "control")
SCRIPT_STACKS = ("ours", "stock", "fastapi", "control")
METRICS_STACKS = ("ours", "no-metrics")
# A JVM compiles what it runs often, and runs it slowly until then.
WARMUP_CLIENTS = 16
WARMUP_TURNS = 2.0
MILLISECONDS = 1000
Value = Callable[[Outcome], float]


def iris(session: Session) -> list[Figure]:
    return measure(session, "iris", IRIS_CLIENTS, IRIS_STACKS)


def forest(session: Session) -> list[Figure]:
    return measure(session, "forest", (16,), FOREST_STACKS)


def boosting(session: Session) -> list[Figure]:
    return measure(session, "boosting", (1, 16), BOOSTING_STACKS)


def other_boosters(session: Session) -> list[Figure]:
    """Boosters of other libraries, as their classes and bare."""
    return [
        figure
        for name in OTHER_BOOSTERS
        for figure in measure(session, name, (1, 16), OTHER_BOOSTERS_STACKS)
    ]


def penguins(session: Session) -> list[Figure]:
    return measure(session, "penguins", (1, 16), PENGUINS_STACKS)


def penguins_forest(session: Session) -> list[Figure]:
    return measure(session, "penguins-forest", (1, 16), PENGUINS_STACKS)


def script(session: Session) -> list[Figure]:
    """A user's own script for AWS's images, which asks for probabilities."""
    return measure(session, "script", (1, 16), SCRIPT_STACKS)


def metrics(session: Session) -> list[Figure]:
    """What counting costs: our own server beside the same that counts nothing."""
    return measure(session, "iris", (1, 64), METRICS_STACKS, "metrics")


def measure(
    session: Session,
    name: str,
    clients: Sequence[int],
    stacks: Sequence[str],
    title: str | None = None,
) -> list[Figure]:
    """The figures of one model, for each number of clients, named by it or as said."""
    model = session.model(name)
    title = title or name
    figures = []
    with session.servers(stacks, model) as servers:
        warmup = WARMUP_TURNS * session.seconds
        turns = {name: partial(turn, server, model, WARMUP_CLIENTS, warmup)
                 for name, server in servers.items()}  # fmt: skip
        warm = session.take_turns(turns, rounds=1)
        for count in clients:
            session.say(_title(title, count))
            turns = {name: partial(turn, servers[name], model, count, session.seconds)
                     for name in warm}  # fmt: skip
            figures += figures_of(title, count, session.take_turns(turns))
    return figures


def turn(server: Server, model: Model, clients: int, seconds: float) -> Outcome:
    plan = Plan(server.port, "/invocations", model.bodies, model.answers, clients, seconds)
    return load_run.run(plan)


def figures_of(title: str, clients: int, outcomes: Mapping[str, Sequence[Outcome]]) -> list[Figure]:
    """What the load generator found, as figures."""

    def figure(kind: str, what: str, unit: str, value: Value) -> Figure:
        values = {name: [value(one) for one in all_] for name, all_ in outcomes.items()}
        return Figure(
            f"{title}.{kind}.{clients}", f"{_title(title, clients)}: {what}", unit, values
        )

    return [
        figure("throughput", "answers", "1/s", lambda one: one.throughput),
        figure("p50", "median latency", "ms", lambda one: one.latency["p50"] * MILLISECONDS),
        figure("p99", "p99 latency", "ms", lambda one: one.latency["p99"] * MILLISECONDS),
        figure("errors", "wrong or no answers", ERRORS, lambda one: sum(one.errors.values())),
        figure("generator", "used by the load generator itself", CPUS, lambda one: one.cpu),
    ]


def _title(title: str, clients: int) -> str:
    return f"{title}, {clients} {'client' if clients == 1 else 'clients'}"
