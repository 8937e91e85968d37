"""From text to what a pydantic model is given: by our own rules where these know the type.

pydantic alone would take ``true`` for 1, ``nan`` for a number, ``20240131`` for a moment in 1970,
and no text for a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BeforeValidator,
    Json,
    PlainValidator,
    Secret,
    SecretBytes,
    SecretStr,
    WrapValidator,
)
from pydantic.fields import FieldInfo

from training_entry.hyperparameters.conversion import (
    convert,
    expectation,
    is_none,
    is_supported,
    items,
    type_name,
    unquoted,
)
from training_entry.hyperparameters.declaration import is_pydantic
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.hyperparameters.secret_names import is_secret

COLLECTIONS: dict[Any, Callable[[Iterable[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    Sequence: list,
}
MAPPINGS = (dict, Mapping)
SECRETS = (Secret, SecretStr, SecretBytes)
READERS = (BeforeValidator, PlainValidator, WrapValidator, Json)
BOUNDS = {"least": "ge", "most": "le", "above": "gt", "below": "lt"}
# Makes an instance of a model from its values by name; the last is the way to it.
Make = Callable[[type[Any], Mapping[str, Any], str], Any]


def read(given: Any, annotation: Any, path: str, make: Make) -> Any:
    """A value as pydantic is to see it.

    Args:
        given: text, or what JSON made of it.
        annotation: the declared type, plain.
        path: where it stands, for messages.
        make: makes instances of models.

    Raises:
        ValueError: it can't be of that type.
        HyperparameterError: what is wrong inside it.
    """
    if is_supported(annotation):
        return convert(given, annotation)
    members = _members(annotation)
    if NoneType in members and is_none(given):
        return None
    others = [member for member in members if member is not NoneType]
    if len(others) != 1:
        return _decoded(given)
    return _read_one(given, others[0], path, make)


def expected(annotation: Any) -> str:
    """What a value of a type must be, as it follows "must be"."""
    members = _members(annotation)
    if len(members) > 1:
        return " or ".join(map(expected, members))
    if is_supported(annotation) or annotation is NoneType:
        return expectation(annotation)
    if is_pydantic(annotation):
        return f"a JSON object with {', '.join(annotation.__pydantic_fields__)}"
    if _is_secret(annotation):
        return "text"
    if isinstance(annotation, type) and issubclass(annotation, date | time):
        return f"a {annotation.__name__} as ISO 8601 writes it"
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in MAPPINGS:
        each = f", each value {expected(arguments[1])}" if arguments else ""
        return f"a JSON object{each}"
    if origin in COLLECTIONS:
        one_type = arguments and (origin is not tuple or arguments[1:] == (...,))
        return f"a list, each item {expected(arguments[0])}" if one_type else "a list"
    return f"a value for {type_name(annotation)}"


def plain(annotation: Any) -> Any:
    """A type without what ``Annotated`` adds, at any depth."""
    return get_type_hints(type("Holder", (), {"__annotations__": {"value": annotation}}))["value"]


def bounds(annotation: Any, metadata: Sequence[Any]) -> dict[str, Any]:
    """The limits of a number, of each item of a list, or of a number that may be None."""
    found = list(_flat(metadata))
    inner = annotation
    while True:
        others = [member for member in _members(inner) if member is not NoneType]
        if get_origin(inner) is Annotated:
            found += _flat(inner.__metadata__)
            inner = inner.__origin__
        elif get_origin(inner) in (list, tuple) and get_args(inner):
            inner = get_args(inner)[0]
        elif len(others) == 1 and others[0] is not inner:
            inner = others[0]
        else:
            break
    limits = {
        ours: next((getattr(each, theirs) for each in found if _limits(each, theirs)), None)
        for ours, theirs in BOUNDS.items()
    }
    return {name: value for name, value in limits.items() if isinstance(value, int | float)}


def has_reader(annotation: Any, metadata: Sequence[Any]) -> bool:
    """Whether something of the user's reads a value, or one in it, before pydantic does."""
    parts = [*_flat(metadata), *_parts(annotation)]
    return any(part is Json or isinstance(part, READERS) for part in parts)


def is_secret_type(annotation: Any) -> bool:
    """Whether a value of a type is a secret, or a list or dictionary of secrets."""
    return any(map(_is_secret, _parts(annotation)))


def holds_secret(annotation: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a value of a type is a secret, or has one in it."""
    for part in _parts(annotation):
        if _is_secret(part):
            return True
        if is_pydantic(part) and part not in seen:
            for name, field in part.__pydantic_fields__.items():
                if is_secret(name) or holds_secret(field.annotation, seen | {part}):
                    return True
    return False


def _read_one(given: Any, annotation: Any, path: str, make: Make) -> Any:
    if is_pydantic(annotation):
        return make(annotation, _mapping(given), f"{path}.")
    if _is_secret(annotation):
        return convert(given, str)
    if isinstance(annotation, type) and issubclass(annotation, date | time):
        return _moment(unquoted(given))
    origin, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if origin in MAPPINGS and arguments:
        return dict(_read_all(_mapping(given).items(), arguments[1], path, make))
    if origin not in COLLECTIONS:
        return _decoded(given)
    found = items(unquoted(given))
    if arguments and (origin is not tuple or arguments[1:] == (...,)):
        found = [value for _, value in _read_all(enumerate(found), arguments[0], path, make)]
    try:
        return COLLECTIONS[origin](found)
    except TypeError as error:  # a set of what can't be in one
        raise ValueError(given) from error


def _read_all(
    pairs: Iterable[tuple[Any, Any]], annotation: Any, path: str, make: Make
) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    problems: list[str] = []
    for key, value in pairs:
        try:
            found.append((key, read(value, annotation, f"{path}.{key}", make)))
        except HyperparameterError as error:
            problems += error.problems
    if problems:
        raise HyperparameterError(problems)
    return found


def _mapping(given: Any) -> Mapping[str, Any]:
    decoded = _decoded(given)
    if not isinstance(decoded, Mapping):
        raise ValueError(given)
    return decoded


def _decoded(given: Any) -> Any:
    """What text that is a JSON object or list holds; all else as it is, without quotes."""
    value = unquoted(given)
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        return json.loads(value, parse_constant=_no_number)
    return value


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _moment(value: Any) -> Any:
    """A date or time but for one in figures alone: pydantic would count seconds from 1970."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return value
    if isinstance(value, str | int | float):
        raise ValueError(value)
    return value


def _members(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _parts(annotation: Any) -> Iterator[Any]:
    """A type, all that is in it, and what ``Annotated`` adds."""
    yield annotation
    if get_origin(annotation) is Annotated:
        yield from _flat(annotation.__metadata__)
    for argument in () if get_origin(annotation) is Literal else get_args(annotation):
        yield from _parts(argument)


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for each in metadata:
        yield each
        if isinstance(each, FieldInfo):
            yield from each.metadata


def _limits(each: Any, bound: str) -> bool:
    return getattr(each, bound, None) is not None


def _is_secret(part: Any) -> bool:
    secret = get_origin(part) or part
    return isinstance(secret, type) and issubclass(secret, SECRETS)
