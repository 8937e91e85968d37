"""A rule of SageMaker's for containers, as its file in ``rules/`` says it.

    title = "GET /ping is answered with 200 within 2 seconds"
    level = "must"                  # or should
    modes = ["single", "multi"]     # left out: all
    needs = ["payload"]             # left out: nothing

    [source]
    page = "the page of AWS's documentation, and the section"
    url = "https://…"
    says = "what it says, in our words"

    [[steps]]                       # in their order; the rule fails with the first that does
    request = "GET /ping"
    expect = { status = ["200"], within = 2.0 }

The rule's id is the name of its file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from contract.errors import ByoError


class Level(StrEnum):
    """How much a rule weighs."""

    MUST = "must"  # AWS's documentation asks for it, or SageMaker does not work without
    SHOULD = "should"  # what clients and operators count on


class Mode(StrEnum):
    """A way in which SageMaker uses a container."""

    SINGLE = "single"
    MULTI = "multi"
    BATCH = "batch"
    ASYNC = "async"
    SERVERLESS = "serverless"
    PIPELINE = "pipeline"


class Need(StrEnum):
    """What must be known of the container's model for a rule."""

    PAYLOAD = "payload"
    ANSWERED = "answered-payload"  # which the container answers
    RECORDS = "records"  # the same, of a type with a record in each line, and two of them
    HEADER = "header"  # the same, under a line of names
    MODEL_URL = "model-url"


class RuleError(ByoError):
    """A rule's file is not as it should be."""


@dataclass(frozen=True)
class Source:
    """Where AWS's documentation says it.

    Args:
        page: the page and the section.
        url: its address.
        says: what it says, in our own words.
    """

    page: str
    url: str
    says: str


@dataclass(frozen=True)
class Step:
    """One request of a rule, or several alike, and what is expected of each answer.

    Args:
        request: method and path; names in braces are replaced by what is known of the container.
        headers: by name; names in braces are replaced.
        body: which body (``bodies.py``); None for none.
        expect: by the name of an expectation (``expectations.py``), what it is to be.
        told: what a rule that holds has to say beside it: the first text whose expectations hold.
        inconclusive: statuses that say nothing where all expectations hold; the rule is skipped
            then.
        once: a status that exactly one of the answers has; empty for none.
        remember: the name that later steps know the answers by; empty for none.
        each: ``records`` for one request with each of the payload's first records; a list of
            texts for one with each, as ``{each}``; None for one request.
        times: how often all that is done.
        at_once: how many requests are under way together.
        kept: whether one connection is used for all of them.
        chunked: whether the body goes in chunks.
        cut: whether the request is broken off in the middle of its body.
        pages: whether ``nextPageToken`` is followed, and the models of all pages put together.
        until: seconds within which the expectations have to come true, asking again; 0 for at once.
        timeout: seconds that each answer may take; None for what is usual.
        beside: requests that go on, each by ``at_once`` clients, while this step is done.
        always: whether it is done after a step that failed, too: to clear up.
    """

    request: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    expect: Mapping[str, Any] = field(default_factory=dict)
    told: tuple[Mapping[str, Any], ...] = ()
    inconclusive: tuple[str, ...] = ()
    once: str = ""
    remember: str = ""
    each: Any = None
    times: int = 1
    at_once: int = 1
    kept: bool = False
    chunked: bool = False
    cut: bool = False
    pages: bool = False
    until: float = 0.0
    timeout: float | None = None
    beside: tuple[Step, ...] = ()
    always: bool = False


@dataclass(frozen=True)
class Rule:
    """A rule.

    Args:
        id: the name of its file, without the ending.
        title: what a container that keeps it does.
        level: whether it must or should.
        modes: in which modes it holds.
        needs: what must be known for it.
        source: where it comes from.
        steps: what is asked, and expected.
    """

    id: str
    title: str
    level: Level
    modes: frozenset[Mode]
    needs: frozenset[Need]
    source: Source
    steps: tuple[Step, ...]


def read_rule(file: Path) -> Rule:
    """A rule from its file.

    Raises:
        RuleError: the file is not as it should be; the message names it and what is wrong.
    """
    try:
        return _rule(file.stem, tomllib.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:  # TOMLDecodeError is a ValueError
        missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise RuleError(f"{file}: {missing}") from None


def _rule(name: str, document: dict[str, Any]) -> Rule:
    _only(document, "title", "level", "modes", "needs", "source", "steps")
    return Rule(
        name,
        document["title"],
        Level(document["level"]),
        frozenset(map(Mode, document.get("modes", Mode))),
        frozenset(map(Need, document.get("needs", ()))),
        Source(**document["source"]),
        tuple(_step(step) for step in document["steps"]),
    )


def _step(document: dict[str, Any]) -> Step:
    _only(document, *(each.name for each in fields(Step)))
    given = dict(document)
    for name in ("told", "inconclusive"):
        given[name] = tuple(document.get(name, ()))
    given["beside"] = tuple(_step(step) for step in document.get("beside", ()))
    return Step(**given)


def _only(document: dict[str, Any], *known: str) -> None:
    unknown = sorted(set(document) - set(known))
    if unknown:
        raise ValueError(f"{unknown[0]} is not known there; these are: {', '.join(known)}")
