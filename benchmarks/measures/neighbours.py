"""What the other models' clients notice while one model takes long to load.

The load waits for most of its time, as one does that fetches a file: what a server blocks
meanwhile shows, and that a machine has but so many cores does not.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from benchmarks import load_run
from benchmarks.figures import Figure
from benchmarks.load_run import Plan
from benchmarks.measures.fleet import Fleet, fleet_on
from benchmarks.models import TOOLKIT_FILE
from benchmarks.session import Session
from benchmarks.stacks.server import Server, StackFailed
from contract.errors import ByoError

STACKS = ("ours", "stock")
CLIENTS = 4
ROUNDS = 2
LOAD_SECONDS = 30.0
LOAD_SECONDS_IN_SHORT = 6.0
# The load generator starts after the load has, and ends before it.
MARGIN_SECONDS = 2.0
WARMUP_SECONDS = 5.0
# How long each of the two times without a LOAD is, by how long the LOAD is.
QUIET_SHARE = 1 / 6
# What both ours and sagemaker-inference take as user code.
SLOW_PROGRAM = """\
import time

import joblib
import numpy as np


def model_fn(model_dir):
    time.sleep({seconds})
    return joblib.load(f"{{model_dir}}/model.joblib")


def predict_fn(data, model):
    return model.predict(np.atleast_2d(data))
"""


def latency(session: Session) -> list[Figure]:
    model = session.model("iris")
    with session.servers(STACKS, model, multi_model=True) as servers:
        turns = {name: partial(turn, session, server) for name, server in servers.items()}
        taken = session.take_turns(turns, rounds=min(ROUNDS, session.rounds))
    seconds = LOAD_SECONDS_IN_SHORT if session.quick else LOAD_SECONDS
    title = f"another model's p99 during a LOAD of {seconds:g} s, {CLIENTS} clients"
    return [Figure("neighbours.p99", title, "× that before and after", taken)]


def turn(session: Session, server: Server) -> float:
    """One model's p99 while another loads, as a multiple of what it is before and after."""
    model = session.model("iris")
    seconds = LOAD_SECONDS_IN_SHORT if session.quick else LOAD_SECONDS
    session.say(f"a LOAD of {seconds:g} s on {server.stack.label}")
    with (
        fleet_on(server, session) as fleet,
        fleet_on(server, session) as slow,
    ):
        [asked, loading] = fleet.folders(2)
        write_slow_program(loading, seconds)
        fleet.load(asked)
        path = f"/models/{asked.name}/invoke"

        def p99(seconds: float) -> float:
            plan = Plan(server.port, path, model.bodies, model.answers, CLIENTS, seconds)
            return load_run.run(plan).latency["p99"]

        p99(WARMUP_SECONDS)
        before = p99(seconds * QUIET_SHARE)
        with Loading(slow, loading):
            during = p99(seconds - MARGIN_SECONDS)
        after = p99(seconds * QUIET_SHARE)
        fleet.unload()
        slow.unload()
    return during / ((before + after) / 2)


def write_slow_program(folder: Path, seconds: float) -> None:
    """User code that takes long to load, where ours and where the toolkit looks for it."""
    (folder / "code").mkdir()
    for file in (folder / TOOLKIT_FILE, folder / "code" / "inference.py"):
        file.write_text(SLOW_PROGRAM.format(seconds=seconds), encoding="utf-8")


class Loading(threading.Thread):
    """A LOAD that must last as long as the block does; at its end it is waited for.

    Raises:
        StackFailed: it was over too early, or failed.
    """

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        super().__init__(name="a long LOAD", daemon=True)
        self._fleet = fleet
        self._folder = folder
        self._failure: ByoError | None = None

    def run(self) -> None:
        try:
            self._fleet.load(self._folder)
        except ByoError as failure:
            self._failure = failure

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        early = not self.is_alive()
        self.join()
        if self._failure is not None:
            raise StackFailed(f"a long LOAD failed: {self._failure}")
        if early and kind is None:
            raise StackFailed("the LOAD was over before its time")
