"""What a script declares: the fields of a dataclass, with what their metadata adds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, get_type_hints

from training_entry.hyperparameters.conversion import (
    choices_of,
    convert,
    expectation,
    is_supported,
    type_name,
)
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.hyperparameters.secret_names import MASK, is_secret

# What says nothing to a plain dataclass, and would be passed over.
OF_PYDANTIC = ("annotated_types", "pydantic")


@dataclass(frozen=True)
class Hyperparameter:
    """One declared hyperparameter.

    Args:
        name: the field's name.
        annotation: its type.
        default: its default; ``dataclasses.MISSING`` if it must be given.
        least: the smallest number allowed; None for any.
        most: the largest number allowed; None for any.
        above: numbers must be larger than this; None for any.
        below: numbers must be smaller than this; None for any.
        choices: the values allowed; empty for any.
        help: what it is, in a few words.
        within: where it stands in another one, as in ``optimizer.``.
    """

    name: str
    annotation: Any
    default: Any = MISSING
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    help: str = ""
    within: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called, with ``_`` for each ``-``."""
        return (self.name,)

    @property
    def path(self) -> str:
        return f"{self.within}{self.name}"

    @property
    def secret(self) -> bool:
        """Whether its value is never shown."""
        return is_secret(self.path)

    @property
    def required(self) -> bool:
        return self.default is MISSING

    @property
    def limits(self) -> str:
        """What is asked of its numbers: ``from 1 to 10``, ``above 0``; empty for nothing."""
        span = ""
        if self.least is not None and self.most is not None:
            span = f"from {self.least} to {self.most}"
        elif self.least is not None:
            span = f"from {self.least} on"
        elif self.most is not None:
            span = f"up to {self.most}"
        above = "" if self.above is None else f"above {self.above}"
        below = "" if self.below is None else f"below {self.below}"
        return " and ".join(filter(None, (above, below, span)))

    @property
    def expectation(self) -> str:
        """What its value must be, as it follows "must be"."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        return expectation(self.annotation, self.limits)

    @property
    def row(self) -> dict[str, str]:
        """A table's row: name, type, allowed values, default and help, each as text."""
        listed = ", ".join(map(str, self.choices or choices_of(self.annotation)))
        default = self.default.value if isinstance(self.default, Enum) else self.default
        if self.required or self.secret:
            default = "(required)" if self.required else MASK
        return {
            "name": self.name,
            "type": type_name(self.annotation),
            "allowed": listed or self.limits,
            "default": str(default),
            "help": self.help,
        }

    def value_of(self, given: Any) -> Any:
        """A given value in the declared type.

        Raises:
            ValueError: it is of another type, or not among what is allowed.
        """
        value = convert(given, self.annotation)
        if not all(map(self._allows, value if isinstance(value, list | tuple) else [value])):
            raise ValueError(given)
        return value

    def _allows(self, value: Any) -> bool:
        if value is None:
            return True
        if self.choices and value not in self.choices:
            return False
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def hyperparameter(
    default: Any = MISSING,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Collection[Any] = (),
    help: str = "",  # noqa: A002 - argparse has taught everyone this name
) -> Any:
    """A field of the dataclass that declares hyperparameters.

    Args:
        default: its default; a list is copied for each instance. Without one it is required.
        least: the smallest number allowed; in a list this is asked of each item.
        most: the largest number allowed.
        above: numbers must be larger than this.
        below: numbers must be smaller than this.
        choices: the values allowed.
        help: what it is, in a few words.
    """
    metadata = {
        "least": least,
        "most": most,
        "above": above,
        "below": below,
        "choices": tuple(choices),
        "help": help,
    }
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def declared_hyperparameters(declared: Any) -> tuple[Hyperparameter, ...]:
    """What a dataclass, or a model of pydantic, declares, in its order.

    Raises:
        HyperparameterError: it is no dataclass, a type can't be used, or a default isn't allowed.
    """
    if is_pydantic(declared):
        # Imported where it is used: most scripts need no pydantic, which takes longer than we do.
        from training_entry.hyperparameters.pydantic_models import declared_fields

        return declared_fields(declared)
    if not (isinstance(declared, type) and is_dataclass(declared)):
        raise HyperparameterError([f"{declared!r} is no dataclass: write @dataclass above it"])
    try:
        hints = get_type_hints(declared)
        annotated = get_type_hints(declared, include_extras=True)
    except (NameError, TypeError) as error:
        raise HyperparameterError([f"a type of {declared.__name__} is unknown: {error}"]) from None
    found = [_from_field(each, hints[each.name]) for each in fields(declared) if each.init]
    problems = [problem for each in found for problem in _problems(each, annotated[each.name])]
    if problems:
        raise HyperparameterError(problems)
    return tuple(found)


def is_pydantic(declared: Any) -> bool:
    """Whether a class is a model or a dataclass of pydantic, told without importing it."""
    return isinstance(declared, type) and hasattr(declared, "__pydantic_fields__")


def _from_field(each: Field[Any], annotation: Any) -> Hyperparameter:
    default = each.default
    if each.default_factory is not MISSING:
        default = each.default_factory()
    known = ("least", "most", "above", "below", "choices", "help")
    more = {key: each.metadata[key] for key in known if key in each.metadata}
    more["choices"] = tuple(more.get("choices") or ())
    return Hyperparameter(each.name, annotation, default, **more)


def _problems(each: Hyperparameter, annotated: Any) -> list[str]:
    added = (each.default, *getattr(annotated, "__metadata__", ()))
    if any(type(part).__module__.split(".")[0] in OF_PYDANTIC for part in added):
        return [
            f"{each.name} says with pydantic what is allowed: make the class a BaseModel, or a "
            "dataclass of pydantic.dataclasses"
        ]
    if not is_supported(each.annotation):
        return [
            f"{each.name} is declared as {each.annotation}: use int, float, bool, str, Literal, "
            "an Enum, a list of these, or one of these or None"
        ]
    items = each.default if isinstance(each.default, list | tuple) else [each.default]
    if not each.required and not all(map(each._allows, items)):
        return [f"the default of {each.name} must be {each.expectation}, or None"]
    return []
