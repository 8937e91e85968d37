"""What others notice while one of two workers is busy with one long prediction, which computes.

A machine of two cores has one left for the others: their throughput may be halved, and their p99 is
to stay what it is.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from benchmarks import load_run
from benchmarks.figures import Figure
from benchmarks.load_run import Outcome, Plan
from benchmarks.models import TOOLKIT_FILE, Model
from benchmarks.session import Session
from benchmarks.stacks.server import Server, StackFailed
from contract import Paths

STACKS = ("ours",)
SETTINGS = {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}
PATH = "/invocations"
CLIENTS = 4
ROUNDS = 2
BUSY_SECONDS = 20.0
BUSY_SECONDS_IN_SHORT = 8.0
# The load generator starts after the prediction has, and ends before it.
MARGIN_SECONDS = 2.0
WARMUP_SECONDS = 3.0
QUIET_SHARE = 1 / 4
# The first value of a row that asks for the long prediction.
LONG = 1e6
PROGRAM = """\
import time


def predict_fn(data, model):
    if data[0, 0] >= {long}:
        until = time.monotonic() + {seconds}
        while time.monotonic() < until:
            pass
    return model.predict(data)


predict_fn.batchable = True
"""


class Share(NamedTuple):
    """The others' figures while the worker is busy, as multiples of before and after."""

    p99: float
    throughput: float


def others(session: Session) -> list[Figure]:
    seconds = BUSY_SECONDS_IN_SHORT if session.quick else BUSY_SECONDS
    model = busy_model(session, seconds)
    with session.servers(STACKS, model, SETTINGS) as servers:
        turns = {
            name: partial(turn, session, server, model, seconds) for name, server in servers.items()
        }
        taken = session.take_turns(turns, rounds=min(ROUNDS, session.rounds))
    title = f"one of two workers busy for {seconds:g} s, {CLIENTS} clients: the others' "
    unit = "× that before and after"
    p99 = {name: [one.p99 for one in all_] for name, all_ in taken.items()}
    throughput = {name: [one.throughput for one in all_] for name, all_ in taken.items()}
    return [
        Figure("busy.p99", title + "p99", unit, p99),
        Figure("busy.throughput", title + "answers", unit, throughput),
    ]


def turn(session: Session, server: Server, model: Model, seconds: float) -> Share:
    session.say(f"a prediction of {seconds:g} s on {server.stack.label}")

    def load(seconds: float) -> Outcome:
        plan = Plan(server.port, PATH, model.bodies, model.answers, CLIENTS, seconds)
        return load_run.run(plan)

    load(WARMUP_SECONDS)
    before = load(seconds * QUIET_SHARE)
    with Busy(server):
        during = load(seconds - 2 * MARGIN_SECONDS)
    after = load(seconds * QUIET_SHARE)
    return Share(
        during.latency["p99"] / ((before.latency["p99"] + after.latency["p99"]) / 2),
        during.throughput / ((before.throughput + after.throughput) / 2),
    )


def busy_model(session: Session, seconds: float) -> Model:
    """The iris model, with user code that computes for long where it is asked to."""
    iris = session.model("iris")
    paths = Paths(session.root / "busy")
    paths.model.parent.mkdir(parents=True)
    code = iris.copy(paths.model) / "code"
    code.mkdir(exist_ok=True)
    program = PROGRAM.format(long=LONG, seconds=seconds)
    for file in (paths.model / TOOLKIT_FILE, code / "inference.py"):
        file.write_text(program, encoding="utf-8")
    return replace(iris, paths=paths)


class Busy(threading.Thread):
    """A long prediction that must last as long as the block does; at its end it is waited for.

    Raises:
        StackFailed: it was over too early, or failed.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(name="a long prediction", daemon=True)
        self._server = server
        self._status = 0

    def run(self) -> None:
        with self._server.client() as client:
            body = f"{LONG},1,1,1".encode()
            answer = client.request("POST", PATH, body, {"Content-Type": "text/csv"})
            self._status = answer.status

    def __enter__(self) -> None:
        self.start()
        time.sleep(MARGIN_SECONDS / 2)  # until it has surely begun

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        early = not self.is_alive()
        self.join()
        if early and kind is None:
            raise StackFailed("the long prediction was over before its time")
        if self._status != 200:
            raise StackFailed(f"the long prediction was answered with {self._status}")
