"""The time of one request with 50,000 rows of 20 columns, about 7 MB of CSV."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.figures import Figure
from benchmarks.models import LARGE_ROWS, Model
from benchmarks.session import Session
from benchmarks.stacks.server import Server, StackFailed

STACKS = ("ours", "stock", "classic", "fastapi")
# As shipped, multi-model-server takes 6.5 MB and answers more with 413.
SETTINGS = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "100"}


def seconds(session: Session) -> list[Figure]:
    model = session.model("table")
    megabytes = len(model.large) / 1e6
    with session.servers(STACKS, model, SETTINGS) as servers:
        session.say(f"a body of {megabytes:.1f} MB")
        turns = {name: partial(turn, server, model) for name, server in servers.items()}
        warm = session.take_turns(turns, rounds=1)
        taken = session.take_turns({name: turns[name] for name in warm})
    title = f"{LARGE_ROWS:,} × 20 CSV ({megabytes:.1f} MB): time"
    return [Figure("large.seconds", title, "s", taken)]


def turn(server: Server, model: Model) -> float:
    with server.client() as client:
        start = time.perf_counter()
        answer = client.invoke(model.large, "text/csv", "text/csv").require_ok()
        taken = time.perf_counter() - start
    if answer.body != model.large_answer:
        raise StackFailed(f"{server.stack.label} answered a large body wrongly")
    return taken
