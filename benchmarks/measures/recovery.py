"""How long a single model is away whose processes are killed, all at once or its host alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.models import Model
from benchmarks.session import Session
from benchmarks.stacks.server import Server, StackFailed
from byo.child_processes import family
from byo.command_errors import RequestFailed

STACKS = ("ours",)
# Far more than it takes: a turn that takes longer has failed.
LONGEST_SECONDS = 60.0
# Each turn begins with a server that has settled, with another fork server that has imported all:
# its processes have not computed for so long.
BEGIN_SECONDS = 5.0
QUIET_SECONDS = 1.5
TICKS_OF_IDLING = 10
FORKED = b"handler.fork_server.fork_server_main"
LAUNCHER = b"model_service_worker.py"


def seconds(session: Session) -> list[Figure]:
    model = session.model("iris")
    with session.servers(STACKS, model) as servers:
        session.say("away after a kill")
        everything = {
            name: partial(turn, model, server, all_at_once) for name, server in servers.items()
        }
        host = {name: partial(turn, model, server, the_host) for name, server in servers.items()}
        all_ = session.take_turns(everything)
        alone = session.take_turns(host)
    title = "a single model's fork server, launcher, host and workers killed at once: away for"
    return [
        Figure("recovery.all", title, "s", all_),
        Figure("recovery.host", "a single model's host and workers killed: away for", "s", alone),
    ]


def turn(model: Model, server: Server, victims: Callable[[Server], list[int]]) -> float:
    """Kill, and ask until the model answers; the seconds from the first kill on."""
    _ask_until_answered(model, server)
    _settle(server)
    chosen = victims(server)
    start = time.perf_counter()
    for pid in chosen:
        with suppress(ProcessLookupError):  # it ended with its parent
            os.kill(pid, signal.SIGKILL)
    _ask_until_answered(model, server)
    return time.perf_counter() - start


def all_at_once(server: Server) -> list[int]:
    """All of the model's processes, and the one that they are forked from."""
    fork_server = _fork_server(server)
    launchers = [pid for pid in family(server.pid) if LAUNCHER in _command(pid)]
    return [fork_server, *launchers, *family(fork_server)]


def the_host(server: Server) -> list[int]:
    """What was forked from the fork server, and what that has forked."""
    return family(_fork_server(server))


def _settle(server: Server) -> None:
    time.sleep(BEGIN_SECONDS)
    deadline = time.monotonic() + LONGEST_SECONDS
    before = -1
    while (now := _computed(server)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(QUIET_SECONDS)


def _computed(server: Server) -> int:
    """The ticks for which a CPU has computed for what is forked, and for what forks."""
    ticks = 0
    for pid in family(server.pid):
        with suppress(OSError):  # it ended meanwhile
            if FORKED in _command(pid):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                # A fork server that looks around uses a tick now and then.
                ticks += (int(fields[11]) + int(fields[12])) // TICKS_OF_IDLING
    return ticks


def _fork_server(server: Server) -> int:
    """The one that launchers write to; another of its kind stands by."""
    for pid in family(server.pid):
        if FORKED in _command(pid) and _holds(pid, "launch"):
            return pid
    raise StackFailed("there is no fork server")


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def _holds(pid: int, name: str) -> bool:
    """Whether a process has a pipe of that name open."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it is closed by now
            if file.readlink().name == name:
                return True
    return False


def _ask_until_answered(model: Model, server: Server) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        with suppress(RequestFailed), server.client() as client:
            answer = client.invoke(model.bodies[0].encode(), "text/csv", "text/csv")
            if answer.ok and answer.body.strip() == model.answers[0].encode():
                return
    raise StackFailed(f"no right answer within {LONGEST_SECONDS:g} s after a kill")
