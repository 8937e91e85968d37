"""What became of the requests: counted, and those that went wrong kept one by one."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from byo.command_errors import EndpointFailed, RequestFailed
from byo.endpoint import Response
from tests.soak.soak_models import MARGIN_SECONDS, TIMEOUT_SECONDS

# How long a client waits for an answer before it is taken for one that never comes.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Asked:
    """A request, and what is right for it.

    Args:
        who: the kind of client.
        model: whom it asks.
        statuses: what may be answered.
        answer: what is predicted, where it is answered with 200.
        bound: seconds within which there has to be an answer; where the model's processes were
            killed, it has to wait for others.
    """

    who: str
    model: str
    statuses: frozenset[int]
    answer: list[float] | None = None
    bound: float = TIMEOUT_SECONDS + MARGIN_SECONDS


@dataclass(frozen=True)
class Suspect:
    """A request with another outcome than it should have had.

    Args:
        what: what was wrong with it.
        asked: the request.
        begun: when it was sent, on the clock of the run.
        ended: when that was known.
        detail: more, for who looks into it.
    """

    what: str
    asked: Asked
    begun: float
    ended: float
    detail: str


@dataclass
class Tally:
    """Counts outcomes; called by many threads.

    Args:
        clock: seconds since the run began.
        when_hung: called with a request that had no answer.
    """

    clock: Callable[[], float]
    when_hung: Callable[[Suspect], None] = lambda suspect: None
    statuses: Counter[int] = field(default_factory=Counter)
    by_client: Counter[str] = field(default_factory=Counter)
    suspects: list[Suspect] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, asked: Asked, send: Callable[[], Response]) -> Response | None:
        """Send a request, and note what becomes of it; its answer, if there is one."""
        begun = self.clock()
        try:
            response = send()
        except RequestFailed as error:
            self._note(asked, begun, "hung", str(error))
        except EndpointFailed as error:
            self._note(asked, begun, "lost", str(error))
        else:
            with self._lock:
                self.statuses[response.status] += 1
            what, detail = wrong_with(asked, response) or (None, "")
            if what is None and self.clock() - begun > asked.bound:
                what = "late"
            self._note(asked, begun, what, detail)
            return response
        return None

    def gave_up(self, who: str) -> None:
        """A client went away by its own wish."""
        with self._lock:
            self.by_client[who] += 1

    def count(self, what: str) -> int:
        """How many suspects there are of a kind."""
        return sum(suspect.what == what for suspect in self.suspects)

    def _note(self, asked: Asked, begun: float, what: str | None, detail: str) -> None:
        ended = self.clock()
        suspect = Suspect(what, asked, begun, ended, detail) if what else None
        with self._lock:
            self.by_client[asked.who] += 1
            self.slowest[asked.who] = max(self.slowest.get(asked.who, 0.0), ended - begun)
            if suspect is not None:
                self.suspects.append(suspect)
        if suspect is not None and what == "hung":
            self.when_hung(suspect)


def wrong_with(asked: Asked, response: Response) -> tuple[str, str] | None:
    """What is wrong with an answer, in a word, and more of it."""
    if response.status == 200 and asked.answer is not None:
        got = predictions(response)
        if got != asked.answer:
            return "wrong", f"{got} in place of {asked.answer}"[:500]
    if response.status in asked.statuses:
        return None
    return "unexpected", f"{response.status} {response.body[:300].decode(errors='replace')}"


def predictions(response: Response) -> object:
    """The predictions of an answer in JSON; the text of one that is none."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return response.body[:200].decode(errors="replace")
    return document["predictions"] if isinstance(document, dict) else document


def run_clock() -> Callable[[], float]:
    """Seconds since this was called."""
    start = time.monotonic()
    return lambda: time.monotonic() - start
