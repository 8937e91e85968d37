"""How much the load generator itself can do: its load on a server that does nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

from benchmarks.figures import Figure
from benchmarks.measures.throughput import figures_of, turn
from benchmarks.session import Session
from benchmarks.stacks.programs import responder
from benchmarks.stacks.programs.responder import ANSWER
from benchmarks.stacks.server import running
from benchmarks.stacks.stack import Stack

CLIENTS = 64
RESPONDER = Stack(
    "responder",
    "a server that does nothing",
    command=lambda _: [sys.executable, responder.__file__],
    environ=lambda task: {"PORT": str(task.port)},
    missing=lambda: None,
)


def ceiling(session: Session) -> list[Figure]:
    model = session.model("iris")
    model = replace(model, answers=(ANSWER,) * len(model.bodies))
    with running(RESPONDER, model) as server:
        session.say("the load generator's own ceiling")
        turns = {RESPONDER.name: partial(turn, server, model, CLIENTS, session.seconds)}
        outcomes = session.take_turns(turns)
    return figures_of("nothing", CLIENTS, outcomes)
