"""Send recorded invocations again, and compare what comes with what was recorded."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from byo.container_rules.exchange import Exchange, NoAnswer, Request
from byo.recorded.comparison import Strictness, compared
from byo.recorded.recording import Invocation, RecordedAnswer, kept


@dataclass(frozen=True)
class Replayed:
    """An invocation that was sent again.

    Args:
        invocation: as it was recorded.
        first: what to compare with: the recorded answer, or the first server's now; None for none.
        second: what the server that is compared answered; None where no answer came.
        lines: where they differ, each as a line; empty where they don't.
    """

    invocation: Invocation
    first: RecordedAnswer | None
    second: RecordedAnswer | None
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Replay:
    """How to send invocations again.

    Args:
        url: a server's address.
        url2: another's, whose answers are compared with the first one's; None to compare the first
            one's with those that were recorded.
        timeout: seconds that an answer may take.
        concurrency: how many invocations are under way together, begun in their order.
        strictness: what counts as a difference.
    """

    url: str
    url2: str | None
    timeout: float
    concurrency: int
    strictness: Strictness


def replay(invocations: Iterable[Invocation], how: Replay) -> Iterator[Replayed]:
    """Send invocations again, in their order, and tell of each where the answers differ.

    Raises:
        UsageError: a URL is none.
    """
    with ExitStack() as stack:
        servers = _Servers(how, stack)
        clients = stack.enter_context(ThreadPoolExecutor(how.concurrency))
        waiting: deque[Future[Replayed]] = deque()
        try:
            for invocation in invocations:
                waiting.append(clients.submit(servers.ask, invocation))
                if len(waiting) >= 2 * how.concurrency:  # no more in memory than that
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class _Servers:
    """One or two servers, with a kept connection to each for each thread that asks."""

    def __init__(self, how: Replay, stack: ExitStack) -> None:
        self._how, self._stack = how, stack
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        for url in filter(None, (how.url, how.url2)):
            Exchange(url, how.timeout).close()  # what is no URL is told here, once

    def ask(self, invocation: Invocation) -> Replayed:
        first, lines = invocation.answer, list[str]()
        answers: list[RecordedAnswer | None] = []
        for exchange in self._exchanges():
            answer = _ask(exchange, invocation)
            if isinstance(answer, str):
                lines.append(answer)
                answers.append(None)
            else:
                answers.append(answer)
        second = answers[-1]
        before = answers[0] if self._how.url2 else first
        if before is not None and second is not None:
            lines += compared(before, second, self._how.strictness)
        return Replayed(invocation, before, second, tuple(lines))

    def _exchanges(self) -> list[Exchange]:
        """The connections of the thread that asks."""
        found: list[Exchange] | None = getattr(self._of_thread, "exchanges", None)
        if found is None:
            urls = filter(None, (self._how.url, self._how.url2))
            found = [Exchange(url, self._how.timeout) for url in urls]
            self._of_thread.exchanges = found
            with self._lock:
                for exchange in found:
                    self._stack.enter_context(exchange)
        return found


def _ask(exchange: Exchange, invocation: Invocation) -> RecordedAnswer | str:
    """A server's answer, or a line that says why there is none."""
    request = Request(invocation.method, invocation.path, dict(invocation.headers), invocation.body)
    start = time.monotonic()
    try:
        answer = exchange.ask(request)
    except NoAnswer as error:
        return f"{exchange.url} gave no answer: {error}"
    seconds = time.monotonic() - start
    return RecordedAnswer(answer.status, kept(answer.headers), answer.body, seconds)
