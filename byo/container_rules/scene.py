"""What an answer is looked at with, and what is said where it is not as expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from byo.container_rules.container import Container
from byo.container_rules.exchange import Answer


@dataclass(frozen=True)
class Miss:
    """What was expected of an answer, and what came instead, each as a part of a sentence."""

    expected: str
    came: str


@dataclass(frozen=True)
class Scene:
    """What an answer is looked at with.

    Args:
        container: which was asked.
        variables: what names in braces stand for.
        remembered: answers of earlier steps, by name.
        turn: the place of this answer among those of its step.
    """

    container: Container
    variables: Mapping[str, str]
    remembered: Mapping[str, list[Answer]]
    turn: int = 0


# Of an answer, what a rule's file wants of it, and the scene: what is amiss, or None.
Expectation = Callable[[Answer, Any, Scene], Miss | None]
