"""The load generator: clients that each send a request, wait for its answer, and send the next.

A program of its own (`load.py` runs it), so that nothing else that the benchmark does is in its
times: one epoll loop over connections that are kept, requests made in advance, and of an answer
no more read than its status, length and body. It notes what CPU time it took itself, since it
shares the machine with the server. It imports the standard library alone.

Reads a `load.Plan` as JSON on its standard input, and prints a `load.Outcome`.
"""

from __future__ import annotations

import gc
import json
import re
import select
import socket
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

ADDRESS = "127.0.0.1"
BUFFER_BYTES = 64 * 1024
CONNECT_SECONDS = 10.0
# What is under way when the time is up must not be left to the next server's turn.
DRAIN_SECONDS = 30.0
POLL_SECONDS = 0.05
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Answer(NamedTuple):
    """An answer that is whole: whether its status is 200, and whether the connection ends."""

    ok: bool
    body: bytes
    close: bool


def parse(data: bytes) -> Answer | None:
    """The answer, or None while it is not all there."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = LENGTH.search(data, 0, end)
    start = end + 4
    if length is None or len(data) - start < int(length[1]):
        return None
    return Answer(data[9:12] == b"200", data[start:], CLOSE.search(data, 0, end) is not None)


class Client:
    """One connection, and the request that it waits for."""

    __slots__ = ("pending", "sent", "sock", "turn")

    def __init__(self, port: int, turn: int) -> None:
        self.turn = turn
        self.sent = 0.0
        self.pending = b""
        self.sock = socket.create_connection((ADDRESS, port), CONNECT_SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)


class Generator:
    """The loop.

    Args:
        port: where the server listens.
        requests: their bytes, which every client sends in turn.
        answers: the right answer to each, but for white space around it.
        clients: how many there are.
    """

    def __init__(
        self, port: int, requests: Sequence[bytes], answers: Sequence[bytes], clients: int
    ) -> None:
        self._port = port
        self._requests = requests
        self._answers = answers
        self._poll = select.epoll()
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._latencies = array("d")
        self._errors: Counter[str] = Counter()
        self._clients: dict[int, Client] = {}
        self._waiting = 0
        for turn in range(clients):
            self._open(turn)

    def run(self, warmup: float, seconds: float) -> dict[str, Any]:
        """Send for so long; the fields of an outcome."""
        for client in list(self._clients.values()):
            self._send(client)
        self._until(time.perf_counter() + warmup)
        del self._latencies[:]
        self._errors.clear()
        start, cpu = time.perf_counter(), time.process_time()
        self._until(start + seconds)
        taken, cpu = time.perf_counter() - start, time.process_time() - cpu
        latency, errors = quantiles(self._latencies), dict(self._errors)
        answered = len(self._latencies)
        self._drain(time.perf_counter() + DRAIN_SECONDS)
        return {
            "answered": answered,
            "seconds": taken,
            "latency": latency,
            "errors": errors,
            "cpu": cpu / taken,
        }

    def _until(self, end: float) -> None:
        poll, take = self._poll.poll, self._take
        while time.perf_counter() < end:
            for descriptor, _ in poll(POLL_SECONDS):
                client = take(descriptor)
                if client is not None:
                    self._send(client)

    def _drain(self, end: float) -> None:
        while self._waiting and time.perf_counter() < end:
            for descriptor, _ in self._poll.poll(POLL_SECONDS):
                self._take(descriptor)

    def _send(self, client: Client) -> None:
        request = self._requests[client.turn]
        client.sent = time.perf_counter()
        try:
            whole = client.sock.send(request) == len(request)
        except OSError:
            whole = False
        if whole:
            self._waiting += 1
        else:
            self._errors["not sent"] += 1
            self._send(self._reopen(client))

    def _take(self, descriptor: int) -> Client | None:
        """Read what has come; the client if it may send its next request."""
        client = self._clients[descriptor]
        try:
            count = client.sock.recv_into(self._buffer)
        except OSError:
            count = 0
        if not count:
            return self._broken(client)
        data = client.pending + bytes(self._buffer[:count])
        answer = parse(data)
        if answer is None:
            client.pending = data
            return None
        return self._judge(client, answer)

    def _judge(self, client: Client, answer: Answer) -> Client:
        taken = time.perf_counter() - client.sent
        client.pending = b""
        self._waiting -= 1
        if not answer.ok:
            self._errors["status"] += 1
        elif answer.body.strip() != self._answers[client.turn]:
            self._errors["answer"] += 1
        else:
            self._latencies.append(taken)
        client.turn = (client.turn + 1) % len(self._requests)
        return self._reopen(client) if answer.close else client

    def _broken(self, client: Client) -> Client:
        self._waiting -= 1
        self._errors["broken connection"] += 1
        return self._reopen(client)

    def _reopen(self, client: Client) -> Client:
        del self._clients[client.sock.fileno()]
        client.sock.close()
        return self._open(client.turn)

    def _open(self, turn: int) -> Client:
        client = Client(self._port, turn % len(self._requests))
        self._clients[client.sock.fileno()] = client
        self._poll.register(client.sock, select.EPOLLIN)
        return client


def quantiles(latencies: Iterable[float]) -> dict[str, float]:
    """Latencies by the names of their quantiles; none of nothing."""
    ordered = sorted(latencies)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {
        name: ordered[min(last, int(share * len(ordered)))] for name, share in QUANTILES.items()
    }


def request(port: int, path: str, body: str) -> bytes:
    """The bytes of a request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {ADDRESS}:{port}\r\nContent-Type: text/csv\r\n"
        f"Accept: text/csv\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def main() -> None:
    plan = json.load(sys.stdin)
    generator = Generator(
        plan["port"],
        [request(plan["port"], plan["path"], body) for body in plan["bodies"]],
        [answer.encode() for answer in plan["answers"]],
        plan["clients"],
    )
    gc.freeze()
    gc.disable()
    json.dump(generator.run(plan["warmup"], plan["seconds"]), sys.stdout)


if __name__ == "__main__":
    main()
