"""The memory of one small model more, and how much of it is back when DELETE has answered."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from benchmarks.figures import SHARE, Figure
from benchmarks.measures.fleet import Fleet, fleet_on
from benchmarks.process_memory import memory
from benchmarks.session import Session
from benchmarks.stacks.server import running
from benchmarks.stacks.stack import Stack

STACKS = ("ours", "shared", "stock")
ROUNDS = 3
# One model of the stock stack weighs as much as many of ours; few are enough to weigh it.
MODELS = {"stock": 4}
MOST_MODELS = 50
MOST_IN_SHORT = 20
# What the JVM and whatever else needs once, for the first models, is not the next one's.
FIRST = 10
MEGABYTE = 1e6


class Weights(NamedTuple):
    """Megabytes of one model more, and which share of them unloading gave back at once."""

    each: float
    returned: float


def per_model(session: Session) -> list[Figure]:
    turns = {stack.name: partial(turn, session, stack) for stack in session.chosen(STACKS)}
    taken = session.take_turns(turns, rounds=min(ROUNDS, session.rounds))
    each = {name: [one.each for one in all_] for name, all_ in taken.items()}
    returned = {name: [one.returned for one in all_] for name, all_ in taken.items()}
    return [
        Figure("memory.model", "memory of one small model more", "MB", each),
        Figure("memory.returned", "given back when DELETE answers", SHARE, returned),
    ]


def turn(session: Session, stack: Stack) -> Weights:
    """Weigh a server with a few models, with many, and with the few again."""
    model = session.model("iris")
    count = MODELS.get(stack.name, MOST_IN_SHORT if session.quick else MOST_MODELS)
    session.say(f"memory of {count} models on {stack.label}")
    with (
        running(stack, model, multi_model=True) as server,
        fleet_on(server, session) as first,
        fleet_on(server, session) as more,
    ):
        load(first, min(FIRST, count))
        before = memory(server.pid)
        load(more, count)
        loaded = memory(server.pid)
        more.unload()
        after = memory(server.pid)
    return Weights((loaded - before) / count / MEGABYTE, (loaded - after) / (loaded - before))


def load(fleet: Fleet, count: int) -> None:
    """Load models, and invoke each once: what it needs only then is its own, too."""
    for folder in fleet.folders(count):
        fleet.load(folder)
        fleet.ask(folder.name)
