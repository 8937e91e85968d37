"""The time from the start of a server to its first answered invocation."""

from __future__ import annotations

from functools import partial

from benchmarks.figures import Figure
from benchmarks.models import Model
from benchmarks.session import Session
from benchmarks.stacks.server import running
from benchmarks.stacks.stack import Stack

STACKS = ("ours", "stock", "classic", "fastapi")


def seconds(session: Session) -> list[Figure]:
    model = session.model("iris")
    session.say("start to first answer")
    turns = {stack.name: partial(turn, stack, model) for stack in session.chosen(STACKS)}
    # The first start reads from the disk what later ones find in memory.
    warm = session.take_turns(turns, rounds=1)
    taken = session.take_turns({name: turns[name] for name in warm})
    return [Figure("startup.seconds", "start to first answered invocation", "s", taken)]


def turn(stack: Stack, model: Model) -> float:
    with running(stack, model) as server:
        return server.started
