"""Latencies of one client's first 5,000 requests to a server that has just started."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from functools import partial

from benchmarks.figures import Figure
from benchmarks.load_generator import Answer, parse, quantiles, request
from benchmarks.models import Model
from benchmarks.session import Session
from benchmarks.stacks.server import StackFailed, running
from benchmarks.stacks.stack import ADDRESS, Stack

STACKS = ("ours", "classic", "fastapi")
REQUESTS = 5_000
# A server is started for each turn.
ROUNDS = 3
BUFFER_BYTES = 64 * 1024
MILLISECONDS = 1000


def latencies(session: Session) -> list[Figure]:
    model = session.model("iris")
    session.say(f"the first {REQUESTS:,} requests")
    turns = {stack.name: partial(turn, stack, model) for stack in session.chosen(STACKS)}
    taken = session.take_turns(turns, rounds=min(ROUNDS, session.rounds))
    title = f"iris, 1 client, its first {REQUESTS:,} requests"
    return [
        Figure(
            f"first.{name}",
            f"{title}: {name}",
            "ms",
            {
                stack: [one[name] * MILLISECONDS for one in outcomes]
                for stack, outcomes in taken.items()
            },
        )
        for name in ("p50", "p99")
    ]


def turn(stack: Stack, model: Model) -> dict[str, float]:
    """Where a server closes a connection after some requests, the next one pays for a new one."""
    taken = []
    with running(stack, model) as server, ExitStack() as connections:
        requests = [request(server.port, "/invocations", body) for body in model.bodies]
        sock = None
        for number in range(REQUESTS):
            which = number % len(requests)
            start = time.perf_counter()
            sock = sock or connections.enter_context(_connection(server.port))
            answer = _exchange(stack, sock, requests[which])
            taken.append(time.perf_counter() - start)
            if answer.body.strip() != model.answers[which].encode():
                raise StackFailed(f"{stack.label} answered {answer.body[:80]!r}")
            if answer.close:
                sock = None
    return quantiles(taken)


def _connection(port: int) -> socket.socket:
    sock = socket.create_connection((ADDRESS, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _exchange(stack: Stack, sock: socket.socket, sent: bytes) -> Answer:
    sock.sendall(sent)
    data = b""
    while (answer := parse(data)) is None:
        piece = sock.recv(BUFFER_BYTES)
        if not piece:
            raise StackFailed(f"{stack.label} broke the connection off")
        data += piece
    return answer
