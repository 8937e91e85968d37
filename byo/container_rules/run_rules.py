"""Try every rule of a mode on a container that runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import resources
from pathlib import Path

from byo.command_errors import EndpointFailed
from byo.container_rules.bodies import NotApplicable
from byo.container_rules.container import Container
from byo.container_rules.exchange import Exchange, NoAnswer, Request
from byo.container_rules.rule import Mode, Rule, Step, read_rule
from byo.container_rules.run_step import Run, StepFailed
from byo.container_rules.verdict import Outcome, Verdict

# What stands for the model that a multi-model container is asked about.
LOADED = ("{invocations}", "{loaded}")
LOAD = Step(
    "POST /models",
    headers={"Content-Type": "application/json"},
    body={"json": {"model_name": "{loaded}", "url": "{url}"}},
    expect={"status": ["200"]},
    timeout=360.0,
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
    loaded = Run(container, container.variables(""))
    why_not: str | None = None
    is_loaded = False
    try:
        for rule in rules:
            if container.mode is Mode.MULTI and _asks_a_loaded_model(rule) and not is_loaded:
                why_not, is_loaded = _load(loaded), True
            needs_it = container.mode is Mode.MULTI and _asks_a_loaded_model(rule)
            yield run_rule(rule, container, why_not if needs_it else None)
    finally:
        if is_loaded and why_not is None:
            with suppress(StepFailed):  # each rule has been tried
                loaded.do(UNLOAD)


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


def _asks_a_loaded_model(rule: Rule) -> bool:
    texts = [
        text
        for step in rule.steps
        for each in (step, *step.beside)
        for text in (each.request, str(each.body))
    ]
    return any(name in text for name in LOADED for text in texts)


def _load(run: Run) -> str | None:
    """Load the model that is asked; why it could not be, or None."""
    if not run.container.model_urls:
        return "no --model-url names a model to LOAD"
    try:
        run.do(LOAD)
    except StepFailed as error:
        return f"the model could not be loaded: {error}"
    return None


def _require_answers(container: Container) -> None:
    with Exchange(container.url, container.timeout) as exchange:
        try:
            exchange.ask(Request("GET", "/ping"))
        except NoAnswer as error:
            raise EndpointFailed(f"{container.url}/ping: {error}") from None
