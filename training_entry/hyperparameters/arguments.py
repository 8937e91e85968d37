"""Hyperparameters on a command line: ``--n_estimators 10``, ``--verbose``, ``--alpha=-1e-3``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training_entry.hyperparameters.hyperparameter_error import HyperparameterError


def read_arguments(arguments: Sequence[str]) -> dict[str, str]:
    """The values by name; a name without a value is ``true``, and of a name twice the last counts.

    Raises:
        HyperparameterError: an argument belongs to no name; told by its position, since it may
            be part of a secret.
    """
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not _is_option(argument):
            position = len(arguments) - len(rest)
            raise HyperparameterError([f"argument {position} follows no --name: quote its value"])
        name, equals, value = argument.lstrip("-").partition("=")
        if not equals:
            value = rest.pop(0) if rest and not _is_option(rest[0]) else "true"
        found[name] = value
    return found


def toolkit_arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """The arguments that sagemaker-training makes of decoded hyperparameters."""
    arguments = []
    for name in sorted(hyperparameters):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", _as_text(hyperparameters[name])]
    return arguments


def _as_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={item}" for name, item in sorted(value.items()))
    return "" if value is None else str(value)


def _is_option(argument: str) -> bool:
    """``--name`` or ``-k``; a negative number is a value."""
    long = argument.startswith("--") and len(argument) > 2
    return long or (len(argument) > 1 and argument[0] == "-" and argument[1].isalpha())
