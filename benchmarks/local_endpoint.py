"""What `byo endpoint` adds to a request, beside other ways to pass one on.

    python -m benchmarks.local_endpoint > benchmarks/local-endpoint.md

The container is a server that answers at once (`stacks/programs/parsing_responder.py`), the load
comes from `load_generator.py`. Each way has its turn in each round; what is told are medians of
the rounds. The others pass content types on, and check nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.load_run import Outcome, Plan, run
from byo.child_processes import child
from byo.endpoint import Client
from handler.serve.pick_free_port import free_port

ROUNDS = 5
SECONDS = 3.0
CLIENTS = (1, 32)
BODY, ANSWER = "5.1,3.5,1.4,0.2", "0"
INVOCATIONS = "/endpoints/birds/invocations"
PROGRAMS = Path(__file__).parent / "stacks" / "programs"
OTHERS = PROGRAMS / "forwarders.py"
READY_SECONDS = 30.0
DIRECT, OURS = "the container itself", "`byo endpoint`"
WAYS = {
    OURS: (),
    "uvicorn, an own client on httptools": ("uvicorn", "own"),
    "uvicorn, aiohttp's client": ("uvicorn", "aiohttp"),
    "aiohttp's server, an own client on httptools": ("aiohttp", "own"),
    "aiohttp's server, aiohttp's client": ("aiohttp", "aiohttp"),
}


@contextmanager
def responder() -> Iterator[int]:
    """The port of a container that answers at once."""
    port = free_port()
    command = (sys.executable, PROGRAMS / "parsing_responder.py")
    with child(command, {**os.environ, "PORT": str(port)}):
        _wait(port, "/invocations")
        yield port


@contextmanager
def forwarding(way: tuple[str, ...], container: int, folder: Path) -> Iterator[int]:
    """The port of what passes requests on to a container."""
    port = free_port()
    url = f"http://127.0.0.1:{container}"
    if way:
        command = [sys.executable, "-P", str(OTHERS), *way, url, str(port)]
    else:
        command = [sys.executable, "-P", "-m", "byo", "endpoint", "up", "--name", "birds"]
        command += ["--url", url, "--port", str(port)]
    before = Path.cwd()
    os.chdir(folder)  # where `byo endpoint` keeps its files
    try:
        with child(command, os.environ, stdout=subprocess.DEVNULL):
            _wait(port, INVOCATIONS)
            yield port
    finally:
        os.chdir(before)


def _wait(port: int, path: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with Client(f"http://127.0.0.1:{port}") as client:
        while time.monotonic() < deadline:
            try:
                if client.request("POST", path, BODY.encode()).ok:
                    return
            except Exception:
                time.sleep(0.05)
    raise SystemExit(f"nothing answered on port {port} within {READY_SECONDS:g} s")


def measured(port: int, path: str) -> list[Outcome]:
    """What came of the load, for each number of clients."""
    return [run(Plan(port, path, [BODY], [ANSWER], clients, SECONDS)) for clients in CLIENTS]


def report(found: dict[str, list[list[Outcome]]]) -> Iterator[str]:
    """The lines of a table: one for each way."""
    yield "| way | one client, p50 ms | added, ms | p99 ms | requests/s, 32 clients | of direct |"
    yield "|---|---:|---:|---:|---:|---:|"
    direct = [_medians(rounds) for rounds in zip(*found[DIRECT], strict=True)]
    for name, rounds in found.items():
        one, many = (_medians(each) for each in zip(*rounds, strict=True))
        added = (one["p50"] - direct[0]["p50"]) * 1e3
        share = many["throughput"] / direct[1]["throughput"]
        yield (
            f"| {name} | {one['p50'] * 1e3:.3f} | {added:.3f} | {one['p99'] * 1e3:.3f} "
            f"| {many['throughput']:,.0f} | {share:.2f} |"
        )


def _medians(outcomes: tuple[Outcome, ...]) -> dict[str, float]:
    return {
        "p50": statistics.median(each.latency["p50"] for each in outcomes),
        "p99": statistics.median(each.latency["p99"] for each in outcomes),
        "throughput": statistics.median(each.throughput for each in outcomes),
    }


def main() -> None:
    found: dict[str, list[list[Outcome]]] = {name: [] for name in (DIRECT, *WAYS)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        container = stack.enter_context(responder())
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            found[DIRECT].append(measured(container, "/invocations"))
            for name, way in WAYS.items():
                with forwarding(way, container, folder) as port:
                    found[name].append(measured(port, INVOCATIONS))
    print("\n".join(report(found)))


if __name__ == "__main__":
    main()
