"""From names and values as they are given to converted values, and what is wrong with the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from training_entry.hyperparameters.declaration import Hyperparameter
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.hyperparameters.secret_names import MASK, is_secret, masked

SHOWN_CHARACTERS = 60


def fill(
    converted: dict[str, Any],
    known: Sequence[Hyperparameter],
    values: Mapping[str, Any],
    unknown: dict[str, Any] | None = None,
) -> Iterator[str]:
    """Put the converted values into a dictionary, and give what is wrong with the others.

    Args:
        converted: takes the values by the declared name.
        known: what is declared.
        values: the values as they are given.
        unknown: takes what is not declared; None where that is wrong.
    """
    by_name = {name: each for each in known for name in each.names}
    seen: dict[str, str] = {}
    for given, value in values.items():
        each = by_name.get(as_field(given))
        name = as_field(given) if each is None else each.name
        if name in seen:
            yield f"{given} and {seen[name]} are the same hyperparameter, given twice"
        elif each is not None:
            yield from _convert(converted, each, given, value)
        elif unknown is None:
            yield _unknown(given, by_name)
        else:
            unknown[given] = value
        seen[name] = given


def missing(known: Sequence[Hyperparameter], values: Mapping[str, Any]) -> Iterator[str]:
    """Give what must be given and isn't."""
    given = set(map(as_field, values))
    for each in known:
        if each.required and given.isdisjoint(each.names):
            yield f"{each.path} is missing: it must be {each.expectation}"


def as_field(name: str) -> str:
    """A name as a field can have it: ``max-depth`` is ``max_depth``."""
    return name.replace("-", "_")


def shown(value: Any, secret: bool) -> str:
    """A value in a message: not too long, and without secrets."""
    if secret:
        return MASK
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        # As JSON it may hold secrets by name, and in broken JSON no one can say where they end.
        try:
            decoded = json.loads(value)
            value = value if masked({"": decoded}) == {"": decoded} else decoded
        except (ValueError, RecursionError):
            value = MASK if is_secret(value) else value
    text = repr(masked({"": value})[""])
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _convert(
    converted: dict[str, Any], each: Hyperparameter, given: str, value: Any
) -> Iterator[str]:
    try:
        converted[each.name] = each.value_of(value)
    except HyperparameterError as error:  # of a value that has names and values itself
        yield from error.problems
    except (ValueError, OverflowError, RecursionError):
        yield (
            f"{each.within}{given} is {shown(value, each.secret)}: it must be {each.expectation}"
        )


def _unknown(name: str, known: Mapping[str, Hyperparameter]) -> str:
    within = next((each.within for each in known.values()), "")
    close = get_close_matches(as_field(name), known, n=1)
    if close:
        return f"{within}{name} is unknown: is {within}{close[0]} meant?"
    return f"{within}{name} is unknown: there are {', '.join(known) or 'none'}"
