"""The time to load one small model more, and a thousand of them."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import NamedTuple

from benchmarks.figures import Figure
from benchmarks.measures.fleet import fleet_on
from benchmarks.process_memory import memory
from benchmarks.session import Session
from benchmarks.stacks.server import Server, running
from benchmarks.stacks.stack import Stack

STACKS = ("ours", "shared", "stock")
TURN_SECONDS = 2.0
MOST_PER_TURN = 20
MANY = 1000
MANY_IN_SHORT = 100
# A stack that by its first few would take longer than this is not asked for all.
FEW = 5
MANY_SECONDS = 300.0
# How many of them are asked whether they answer rightly.
ASKED = 10
MEGABYTE = 1e6


class Loads(NamedTuple):
    """Median seconds of a LOAD, and of a LOAD with the first invocation after it."""

    load: float
    answered: float


def one_more(session: Session) -> list[Figure]:
    model = session.model("iris")
    with session.servers(STACKS, model, multi_model=True) as servers:
        session.say("loading one model more")
        turns = {name: partial(turn, session, server) for name, server in servers.items()}
        warm = session.take_turns(turns, rounds=1)
        taken = session.take_turns({name: turns[name] for name in warm})
    loads = {name: [one.load for one in all_] for name, all_ in taken.items()}
    answered = {name: [one.answered for one in all_] for name, all_ in taken.items()}
    return [
        Figure("load.seconds", "LOAD of a small model", "s", loads),
        Figure("load.answered", "LOAD of a small model and its first invocation", "s", answered),
    ]


def turn(session: Session, server: Server) -> Loads:
    """Load models for a while, then unload them."""
    loads: list[float] = []
    asked: list[float] = []
    with fleet_on(server, session) as fleet:
        end = time.monotonic() + TURN_SECONDS
        while not loads or (len(loads) < MOST_PER_TURN and time.monotonic() < end):
            [folder] = fleet.folders(1)
            loads.append(fleet.load(folder))
            asked.append(fleet.ask(folder.name))
        fleet.unload()
    answered = [load + ask for load, ask in zip(loads, asked, strict=True)]
    return Loads(statistics.median(loads), statistics.median(answered))


class Many(NamedTuple):
    """What many models took, as far as it went."""

    models: int
    seconds: float
    memory: float


def thousand(session: Session) -> list[Figure]:
    """A thousand models; where it would take too long, what it would take by the first few."""
    turns = {stack.name: partial(many, session, stack) for stack in session.chosen(STACKS)}
    taken = session.take_turns(turns, rounds=1)
    counts = ", ".join(f"{name} by {one.models}" for name, [one] in taken.items())
    seconds = {name: [one.seconds / one.models * MANY] for name, [one] in taken.items()}
    megabytes = {name: [one.memory / one.models / MEGABYTE] for name, [one] in taken.items()}
    return [
        Figure("thousand.seconds", f"loading {MANY:,} models ({counts})", "s", seconds),
        Figure("thousand.memory", f"memory per model of these ({counts})", "MB", megabytes),
    ]


def many(session: Session, stack: Stack) -> Many:
    model = session.model("iris")
    wanted = MANY_IN_SHORT if session.quick else MANY
    session.say(f"{wanted:,} models on {stack.label}")
    with (
        running(stack, model, multi_model=True) as server,
        fleet_on(server, session) as fleet,
    ):
        folders = fleet.folders(wanted)
        before = memory(server.pid)
        loads = [fleet.load(folder) for folder in folders[:FEW]]
        if min(loads) * MANY < MANY_SECONDS:
            loads += [fleet.load(folder) for folder in folders[FEW:]]
        held = memory(server.pid) - before
        for name in fleet.names[:: max(1, len(loads) // ASKED)]:
            fleet.ask(name)
    return Many(len(loads), sum(loads), held)
