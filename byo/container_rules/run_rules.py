"""Try every rule of a mode on a container that runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import resources
from pathlib import Path

from byo.command_errors import EndpointFailed
from byo.container_rules.bodies import NotApplicable
from byo.container_rules.container import Container
from byo.container_rules.exchange import Exchange, NoAnswer, Request
from byo.container_rules.rule import Mode, Need, Rule, Step, read_rule
from byo.container_rules.run_step import Run, StepFailed
from byo.container_rules.verdict import Outcome, Verdict

NEED_AN_ANSWER = {Need.ANSWERED, Need.RECORDS, Need.HEADER}
# What stands for the model that a multi-model container is asked about.
LOADED = ("{invocations}", "{loaded}")
LOAD = Step(
    "POST /models",
    headers={"Content-Type": "application/json"},
    body={"json": {"model_name": "{loaded}", "url": "{url}"}},
    expect={"status": ["200"]},
    timeout=360.0,
)
ASK = Step(
    "POST {invocations}",
    headers={"Content-Type": "{content_type}", "Accept": "{accept}"},
    body="payload",
    expect={"status": ["2xx"]},
)
UNLOAD = Step("DELETE /models/{loaded}")


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule that there is, by id.

    Raises:
        RuleError: one of their files is not as it should be.
    """
    folder = Path(str(resources.files("byo.container_rules") / "rules"))
    return tuple(read_rule(file) for file in sorted(folder.glob("*.toml")))


def rules_for(container: Container, only: Sequence[str] = ()) -> list[Rule]:
    """The rules of a container's mode; first those that need no model to be loaded.

    Args:
        container: which is to be asked.
        only: the ids of those that are wanted; empty for all.
    """
    rules = [rule for rule in all_rules() if container.mode in rule.modes]
    chosen = [rule for rule in rules if not only or rule.id in only]
    return sorted(chosen, key=_asks_a_loaded_model)


def run_rules(container: Container, rules: Sequence[Rule]) -> Iterator[Verdict]:
    """What becomes of each rule, as it is tried.

    In multi mode a model is loaded before the first rule that invokes one, and unloaded at the end.

    Args:
        container: which is asked.
        rules: what to try, in this order.

    Raises:
        EndpointFailed: nothing answers there at all.
    """
    _require_answers(container)
    obstacles = _Obstacles(container)
    try:
        for rule in rules:
            yield run_rule(rule, container, obstacles.of(rule))
    finally:
        obstacles.clear_up()


def run_rule(rule: Rule, container: Container, why_not: str | None = None) -> Verdict:
    """What becomes of one rule.

    Args:
        rule: which.
        container: which is asked.
        why_not: why it can't be tried; None where it can.
    """
    start = time.monotonic()
    reasons = [container.missing(need) for need in sorted(rule.needs)]
    reason = why_not or next(filter(None, reasons), None)
    if reason:
        return Verdict(rule, Outcome.SKIPPED, 0.0, reason)
    run = Run(container, container.variables(rule.id))
    failure: Exception | None = None
    for step in rule.steps:
        if failure is None or step.always:
            try:
                run.do(step)
            except (StepFailed, NotApplicable) as error:
                failure = failure or error
    return _verdict(rule, run, failure, time.monotonic() - start)


def _verdict(rule: Rule, run: Run, failure: Exception | None, seconds: float) -> Verdict:
    if failure is None:
        return Verdict(rule, Outcome.PASSED, seconds, "; ".join(dict.fromkeys(run.told)))
    if not isinstance(failure, StepFailed):
        return Verdict(rule, Outcome.SKIPPED, seconds, str(failure))
    miss = failure.miss
    return Verdict(
        rule, Outcome.FAILED, seconds, str(failure), failure.request, miss.expected, miss.came
    )


class _Obstacles:
    """What keeps rules from being tried, found out before the first that it concerns.

    A rule whose own matter is not what fails would only repeat the failure of the one whose it is.
    """

    def __init__(self, container: Container) -> None:
        self._container = container
        self._run = Run(container, container.variables(""))
        self._found: dict[str, str | None] = {}

    def of(self, rule: Rule) -> str | None:
        """Why a rule can't be tried, or None."""
        is_multi = self._container.mode is Mode.MULTI
        if is_multi and _asks_a_loaded_model(rule) and self._find("model", self._load):
            return self._found["model"]
        if rule.needs & NEED_AN_ANSWER and self._container.payload is not None:
            return self._find("payload", self._ask)
        return None

    def clear_up(self) -> None:
        """Unload what was loaded."""
        if self._found.get("model", "never tried") is None:
            with suppress(StepFailed):  # each rule has been tried
                self._run.do(UNLOAD)

    def _find(self, what: str, find: Callable[[], str | None]) -> str | None:
        if what not in self._found:
            self._found[what] = find()
        return self._found[what]

    def _load(self) -> str | None:
        if not self._container.model_urls:
            return "no --model-url names a model to LOAD"
        try:
            self._run.do(LOAD)
        except StepFailed as error:
            return f"the model could not be loaded: {error}"
        return None

    def _ask(self) -> str | None:
        if self._container.mode is Mode.MULTI and self._find("model", self._load):
            return self._found["model"]
        try:
            self._run.do(ASK)
        except StepFailed as error:
            return f"the payload is not answered: {error}"
        return None


def _asks_a_loaded_model(rule: Rule) -> bool:
    texts = [
        text
        for step in rule.steps
        for each in (step, *step.beside)
        for text in (each.request, str(each.body))
    ]
    return any(name in text for name in LOADED for text in texts)


def _require_answers(container: Container) -> None:
    with Exchange(container.url, container.timeout) as exchange:
        try:
            exchange.ask(Request("GET", "/ping"))
        except NoAnswer as error:
            raise EndpointFailed(f"{container.url}/ping: {error}") from None
