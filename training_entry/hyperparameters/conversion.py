"""From what SageMaker hands on, which is text as a rule, to the type that is declared."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

NONE_TEXTS = ("", "none", "null")
TRUE_TEXTS = ("true", "1", "yes")
FALSE_TEXTS = ("false", "0", "no")


def convert(value: Any, annotation: Any) -> Any:
    """A value as the declared type.

    Args:
        value: text, or what JSON made of it.
        annotation: a supported type.

    Raises:
        ValueError: it can't be of that type.
    """
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _to_union(value, get_args(annotation))
    if origin is Literal:
        return _to_choice(value, {choice: choice for choice in get_args(annotation)})
    if origin in (list, tuple):
        return origin(convert(item, get_args(annotation)[0]) for item in items(value))
    if issubclass(annotation, Enum):
        by_name = {member.name: member for member in annotation}
        return _to_choice(value, by_name | {member.value: member for member in annotation})
    return SCALARS[annotation](unquoted(value))


def is_supported(annotation: Any) -> bool:
    """Whether values can be converted to a type."""
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin in (Union, UnionType):
        return all(member is NoneType or is_supported(member) for member in arguments)
    if origin is Literal:
        return True
    if origin is list:
        return is_supported(arguments[0])
    if origin is tuple:
        return len(arguments) == 2 and arguments[1] is ... and is_supported(arguments[0])
    return annotation in SCALARS or (isinstance(annotation, type) and issubclass(annotation, Enum))


def type_name(annotation: Any) -> str:
    """A type in a table: ``int``, ``int or None``, ``list of float``, ``choice``."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return " or ".join(type_name(member) for member in get_args(annotation))
    if origin in (list, tuple):
        return f"list of {type_name(get_args(annotation)[0])}"
    if origin is Literal or (isinstance(annotation, type) and issubclass(annotation, Enum)):
        return "choice"
    return "None" if annotation is NoneType else str(getattr(annotation, "__name__", annotation))


def expectation(annotation: Any, limits: str = "") -> str:
    """What a value of a type must be, as it follows "must be".

    Args:
        annotation: a supported type.
        limits: what more is asked of its numbers, such as ``from 1 to 10``.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(expectation(member, limits) for member in arguments)
    if origin in (list, tuple):
        return f"a list, each item {expectation(arguments[0], limits)}"
    if choices := choices_of(annotation):
        return f"one of {', '.join(map(str, choices))}"
    if annotation in (int, float) and limits:
        return f"{EXPECTATIONS[annotation]} {limits}"
    return EXPECTATIONS[annotation]


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """All values that a type allows; empty if they are not a few that can be listed."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return tuple(choice for member in get_args(annotation) for choice in choices_of(member))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(member.value for member in annotation)
    return ()


def _to_union(value: Any, members: Sequence[Any]) -> Any:
    if NoneType in members and is_none(value):
        return None
    # Any text is a str, so that str is tried when all else has failed.
    for member in sorted(members, key=lambda member: member is str):
        try:
            if member is not NoneType:
                return convert(value, member)
        except ValueError:
            continue
    raise ValueError(value)


def _to_choice(value: Any, results: dict[Any, Any]) -> Any:
    """The result whose key the value is, once it is read as that key's type."""
    for choice, result in results.items():
        if choice is None and is_none(value):
            return result
        try:
            if type(choice) in SCALARS and SCALARS[type(choice)](unquoted(value)) == choice:
                return result
        except ValueError:
            continue
    raise ValueError(value)


def is_none(value: Any) -> bool:
    """Whether a value says None, where None is allowed."""
    value = unquoted(value)
    return value is None or (isinstance(value, str) and value.strip().lower() in NONE_TEXTS)


def items(value: Any) -> Sequence[Any]:
    """The items of a list: JSON, in quotes of its own or not, or text with commas between."""
    value = unquoted(value)
    if isinstance(value, str) and value.strip().startswith("["):
        value = json.loads(value)
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",")] if value.strip() else []
    if not isinstance(value, list | tuple):
        # One number alone has lost its type on the way: "3" is a list of one as well.
        return [value] if isinstance(value, int | float) else _refuse(value)
    return value


def unquoted(value: Any) -> Any:
    """Text without the quotes of JSON, in which some SDKs wrap every value."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _to_bool(value: Any) -> bool:
    text = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    return text in TRUE_TEXTS if text in TRUE_TEXTS + FALSE_TEXTS else _refuse(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _refuse(value)
    number = float(value)
    return number if math.isfinite(number) else _refuse(value)


def _to_int(value: Any) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass  # 10.0 and 1e3 are whole numbers, too.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _to_float(value)
    return int(number) if number.is_integer() else _refuse(value)


def _to_str(value: Any) -> str:
    if value is None:
        _refuse(value)
    return value if isinstance(value, str) else json.dumps(value)


def _refuse(value: Any) -> Any:
    raise ValueError(value)


SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_str,
}
EXPECTATIONS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    NoneType: "None",
}
