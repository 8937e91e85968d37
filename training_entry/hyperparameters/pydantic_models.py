"""Hyperparameters declared by a model or a dataclass of pydantic, made by its own constructor.

Text is read by the rules that hold for every declaration (``pydantic_values``); what the values
must fulfil besides is pydantic's: other types, constraints, validators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from itertools import chain
from typing import Any, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    PydanticUndefinedAnnotation,
    RootModel,
    ValidationError,
)
from pydantic.dataclasses import rebuild_dataclass
from pydantic.fields import FieldInfo

from training_entry.hyperparameters.conversion import is_supported
from training_entry.hyperparameters.declaration import Hyperparameter
from training_entry.hyperparameters.filling import as_field, fill, shown
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.hyperparameters.pydantic_values import (
    bounds,
    expected,
    has_reader,
    holds_secret,
    is_secret_type,
    plain,
    read,
)
from training_entry.hyperparameters.redaction import Secrets
from training_entry.hyperparameters.secret_names import is_secret

Declared = TypeVar("Declared")
READING_MODES = ("before", "wrap", "plain")
LIMIT_ERRORS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
# Stands for a value that is told already: no type takes it, so that nothing is made of it.
REFUSED = object()


@dataclass(frozen=True)
class ModelField(Hyperparameter):
    """One field of a pydantic model.

    Args:
        key: by what the constructor takes it.
        names: what it may be called.
        raw: whether a validator of the user's reads the value first.
        confidential: whether its value is never shown.
    """

    key: str = ""
    names: tuple[str, ...] = ()
    raw: bool = False
    confidential: bool = False

    @property
    def secret(self) -> bool:
        return self.confidential or is_secret(self.path)

    @property
    def is_secret_itself(self) -> bool:
        return is_secret(self.path) or is_secret_type(self.annotation)

    @property
    def expectation(self) -> str:
        if is_supported(self.annotation):
            return super().expectation
        return expected(self.annotation)

    def value_of(self, given: Any) -> Any:
        """A given value as pydantic's constructor is to see it."""
        return given if self.raw else read(given, self.annotation, self.path, instance_of)


def instance_of(declared: type[Declared], values: Mapping[str, Any], within: str = "") -> Declared:
    """An instance of a pydantic model or dataclass.

    Args:
        declared: its class.
        values: the values by name, as they are given.
        within: the way to it, if it is a value in another one, as in ``optimizer.``.

    Raises:
        HyperparameterError: names everything that is unknown, missing or not allowed.
    """
    known = declared_fields(declared, within)
    converted: dict[str, Any] = {}
    more: dict[str, Any] = {}
    extra = _configuration(declared).get("extra")
    unknown = more if extra in ("allow", "ignore") else None
    problems = list(fill(converted, known, values, unknown))
    given = _given(known, values)
    arguments = {
        each.key: converted.get(each.name, REFUSED) for each in known if each.name in given
    }
    if extra == "allow":
        arguments |= more
    try:
        made = declared(**arguments)
    except ValidationError as error:
        problems += _problems(error, known, given, within)
    except Exception:
        # A validator may well fail in its own way on what is told already.
        if not problems:
            raise
    if problems:
        raise HyperparameterError(problems)
    return made


def declared_fields(declared: type[Any], within: str = "") -> tuple[ModelField, ...]:
    """What a pydantic model or dataclass declares, in its order.

    Raises:
        HyperparameterError: it has no names, or a type is unknown.
    """
    _complete(declared)
    read_first = _read_first(declared)
    by_alias = _configuration(declared).get("validate_by_alias") is not False
    by_name = {"validate_by_name", "populate_by_name"} & {
        key for key, value in _configuration(declared).items() if value
    }
    found = []
    for name, field in declared.__pydantic_fields__.items():
        aliases = _aliases(field) if by_alias else []
        if field.init is False:
            continue
        if field.validation_alias is not None and by_alias and not aliases:
            raise HyperparameterError([f"{within}{name} has no alias of one word: give it one"])
        names = tuple(map(as_field, aliases)) + ((name,) if by_name or not aliases else ())
        found.append(
            ModelField(
                name=names[0],
                annotation=plain(field.annotation),
                default=_default(field),
                help=" ".join((field.description or "").split()),
                within=within,
                key=(aliases or [name])[0],
                names=names,
                raw=bool({name, "*"} & read_first) or has_reader(field.annotation, field.metadata),
                confidential=holds_secret(field.annotation),
                **bounds(field.annotation, field.metadata),
            )
        )
    return tuple(found)


def _complete(declared: type[Any]) -> None:
    if issubclass(declared, RootModel):
        raise HyperparameterError(
            [f"{declared.__name__} has no fields: write a class of BaseModel"]
        )
    try:
        if issubclass(declared, BaseModel):
            declared.model_rebuild()
        else:
            rebuild_dataclass(declared)
    except PydanticUndefinedAnnotation as error:
        problem = f"a type of {declared.__name__} is unknown: {error.message}"
        raise HyperparameterError([problem]) from None


def _configuration(declared: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(
        declared, "model_config" if issubclass(declared, BaseModel) else "__pydantic_config__", {}
    )
    return found


def _read_first(declared: Any) -> set[str]:
    """The fields that a validator of the class reads before pydantic does."""
    decorators = declared.__pydantic_decorators__
    return {
        field
        for each in chain(decorators.field_validators.values(), decorators.validators.values())
        if each.info.mode in READING_MODES
        for field in each.info.fields
    }


def _aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [choice for choice in choices if isinstance(choice, str)]


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return MISSING
    if field.default_factory_takes_validated_data:
        return "(computed)"
    return field.get_default(call_default_factory=True)


def _given(known: Sequence[ModelField], values: Mapping[str, Any]) -> dict[str, Any]:
    by_name = {name: each.name for each in known for name in each.names}
    return {
        by_name[as_field(name)]: value
        for name, value in values.items()
        if as_field(name) in by_name
    }


def _problems(
    error: ValidationError, known: Sequence[ModelField], given: Mapping[str, Any], within: str
) -> list[str]:
    """What pydantic found, in our words and without secrets; each once."""
    named = [given[each.name] for each in known if each.name in given and each.is_secret_itself]
    secrets = Secrets({**given, "secret values": named})
    told = [
        _sentence(each, secrets.hide(_message(each)), known, given, within)
        for each in error.errors(include_url=False, include_context=False)
        if each["input"] is not REFUSED
    ]
    return list(dict.fromkeys(told))


def _sentence(
    error: Any,
    message: str,
    known: Sequence[ModelField],
    given: Mapping[str, Any],
    within: str,
) -> str:
    if not error["loc"]:
        return f"{within.removesuffix('.')}: {message}" if within else message
    first, *rest = error["loc"]
    each = next((each for each in known if first in (each.key, *each.names)), None)
    if each is None:
        return f"{within}{first}: {message}"
    path = ".".join(map(str, [each.path, *rest]))
    if error["type"] == "missing":
        return f"{path} is missing" + ("" if rest else f": it must be {each.expectation}")
    value = error["input"] if rest else given.get(each.name, error["input"])
    if each.limits and error["type"] in LIMIT_ERRORS and all(isinstance(n, int) for n in rest):
        path, message = each.path, f"it must be {each.expectation}"
        value = given.get(each.name, value)
    return f"{path} is {shown(value, each.secret or is_secret(path))}: {message}"


def _message(error: Any) -> str:
    message = " ".join(str(error["msg"]).split())
    if error["type"] in ("value_error", "assertion_error"):
        return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message.replace("Input should", "it must")
    return message if message[1:2].isupper() else message[:1].lower() + message[1:]
