"""Do one step of a rule: send what it says, and hold the answers against what it expects."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from byo.container_rules.bodies import NotApplicable, body_of, replaced
from byo.container_rules.container import Container
from byo.container_rules.exchange import Answer, Exchange, NoAnswer, Request
from byo.container_rules.expectations import missed
from byo.container_rules.http_expectations import is_one_of
from byo.container_rules.management_expectations import document, listed
from byo.container_rules.rule import Step
from byo.container_rules.scene import Miss, Scene

POLL_SECONDS = 0.1
MOST_PAGES = 1000


class StepFailed(Exception):
    """An answer was not as expected.

    Args:
        request: which request's.
        miss: what was expected, and what came.
    """

    def __init__(self, request: str, miss: Miss) -> None:
        super().__init__(f"{request}: expected {miss.expected}; came {miss.came}")
        self.request, self.miss = request, miss


@dataclass
class Run:
    """One run of a rule's steps.

    Args:
        container: which is asked.
        variables: what names in braces stand for.
        remembered: answers by the names they were remembered by.
        told: what there is to say beside a rule that holds.
    """

    container: Container
    variables: Mapping[str, str]
    remembered: dict[str, list[Answer]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def do(self, step: Step) -> None:
        """Do a step.

        Raises:
            StepFailed: an answer was not as expected, or none came.
            NotApplicable: the step can't be done with this payload, or tells nothing.
        """
        deadline = time.monotonic() + step.until
        while True:
            try:
                self._once(step)
            except StepFailed:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return

    def _once(self, step: Step) -> None:
        with self._going_on(step.beside) as others:
            answers = self._answers(step)
        for other, given in others:
            self._hold(other, given)
        self._hold(step, answers)
        if step.remember:
            self.remembered[step.remember] = answers

    def _hold(self, step: Step, answers: Sequence[Answer]) -> None:
        """Hold the answers to a step against what it expects."""
        for turn, answer in enumerate(answers):
            miss = missed(answer, step.expect, self._scene(turn))
            if miss is not None:
                raise StepFailed(self._said(answer.request), miss)
            if is_one_of(answer.status, step.inconclusive):
                raise NotApplicable(f"it was answered with {answer}, which does not tell")
            self._tell(step, answer, turn)
        with_status = sum(str(answer.status) == step.once for answer in answers)
        if step.once and with_status != 1:
            several = ", ".join(str(answer.status) for answer in answers)
            raise StepFailed(
                self._said(answers[0].request),
                Miss(f"{step.once} once of {len(answers)} answers", several),
            )

    def _tell(self, step: Step, answer: Answer, turn: int) -> None:
        for each in step.told:
            if missed(answer, each["expect"], self._scene(turn)) is None:
                self.told.append(each["text"])
                return

    def _answers(self, step: Step) -> list[Answer]:
        """The answers to all requests of a step, in the order of the requests."""
        requests = [self.request(step, one) for one in self._turns(step)] * step.times
        timeout = step.timeout or self.container.timeout
        if step.kept:
            with Exchange(self.container.url, timeout) as exchange:
                return [answer for each in requests for answer in self._ask(exchange, step, each)]
        if step.at_once == 1:
            return [answer for each in requests for answer in self._alone(step, each)]
        with ThreadPoolExecutor(step.at_once) as clients:
            given = list(clients.map(lambda each: self._alone(step, each), requests))
        return [answer for each in given for answer in each]

    def _turns(self, step: Step) -> Sequence[bytes | str]:
        """What each request of a step is made with: a record, a text, or nothing."""
        if step.each == "records":
            return self.container.records()
        return step.each or [b""]

    def request(self, step: Step, one: bytes | str = b"") -> Request:
        """One of the requests of a step.

        Raises:
            NotApplicable: its body can't be made of this payload.
        """
        text = one if isinstance(one, str) else ""
        record = one if isinstance(one, bytes) else b""
        types = {
            f"type of {name}": answers[0].content_type for name, answers in self.remembered.items()
        }
        variables = {**self.variables, **types, "each": text}
        method, _, path = replaced(step.request, variables).partition(" ")
        headers = {name: replaced(value, variables) for name, value in step.headers.items()}
        body = body_of(step.body, self.container, record, variables, self.remembered)
        return Request(method, path, headers, body, step.chunked, step.cut)

    def _alone(self, step: Step, request: Request) -> list[Answer]:
        timeout = step.timeout or self.container.timeout
        with Exchange(self.container.url, timeout) as exchange:
            return self._ask(exchange, step, request)

    def _ask(self, exchange: Exchange, step: Step, request: Request) -> list[Answer]:
        """The answer to a request, as a list; empty for one that is cut off."""
        try:
            answer = exchange.ask(request)
            return [_all_pages(exchange, answer) if step.pages else answer]
        except NoAnswer as error:
            if step.cut:
                return []
            raise StepFailed(self._said(request), Miss("an answer", str(error))) from None

    @contextmanager
    def _going_on(self, steps: Sequence[Step]) -> Iterator[list[tuple[Step, list[Answer]]]]:
        """Have clients ask all the while, from their first request on."""
        done: list[tuple[Step, list[Answer]]] = []
        if not steps:
            yield done
            return
        over = threading.Event()
        running: list[tuple[Step, Future[list[Answer]]]] = []
        with ThreadPoolExecutor(sum(step.at_once for step in steps)) as clients:
            started = threading.Barrier(sum(step.at_once for step in steps) + 1)
            for step in steps:
                for _ in range(step.at_once):
                    running.append((step, clients.submit(self._until, over, step, started)))
            try:
                started.wait(self.container.timeout)
                yield done
            finally:
                over.set()
        done.extend((step, future.result()) for step, future in running)

    def _until(self, over: threading.Event, step: Step, started: threading.Barrier) -> list[Answer]:
        """Ask until it is over, and at least once."""
        request = self.request(step)
        started.wait(self.container.timeout)
        answers = self._alone(step, request)
        while not over.is_set():
            answers += self._alone(step, request)
        return answers

    def _scene(self, turn: int) -> Scene:
        return Scene(self.container, self.variables, self.remembered, turn)

    def _said(self, request: Request) -> str:
        """A request in a few words, without the long names of the run's models."""
        path = request.path
        for name in ("loaded", "name", "second"):
            path = path.replace(self.variables[name], f"{{{name}}}")
        return f"{request.method} {path}"


def _all_pages(exchange: Exchange, first: Answer) -> Answer:
    """The models of all pages together, as one answer; an answer that is no page as it is.

    Raises:
        NoAnswer: the pages don't end.
    """
    models, answer = listed(first), first
    if models is None:
        return first
    joint = "&" if "?" in first.request.path else "?"
    for _ in range(MOST_PAGES):
        token = (document(answer) or {}).get("nextPageToken")
        if not token:
            body = f'{{"models": {_json(models)}}}'.encode()
            return replace(first, body=body)
        path = f"{first.request.path}{joint}next_page_token={quote(str(token), safe='')}"
        answer = exchange.ask(replace(first.request, path=path))
        page = listed(answer)
        if page is None:
            return answer
        models = models + page
    raise NoAnswer(f"the pages do not end: {MOST_PAGES} were read")


def _json(value: object) -> str:
    import json

    return json.dumps(value)
