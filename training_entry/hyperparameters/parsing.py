"""One call from a declaration to checked values, wherever the script runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from training_entry.hyperparameters.arguments import read_arguments, toolkit_arguments
from training_entry.hyperparameters.declaration import Hyperparameter, declared_hyperparameters
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.hyperparameters.secret_names import MASK, is_secret
from training_entry.job import Job, decoded

Declared = TypeVar("Declared")
HELP = ("-h", "--help")
SHOWN_CHARACTERS = 60


def parse_hyperparameters(
    declared: type[Declared],
    values: Mapping[str, Any] | None = None,
    *,
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Declared:
    """An instance of the declaring dataclass, with the job's hyperparameters in it.

    The job's are those in ``SM_HPS``, else in ``hyperparameters.json``. What is on the command
    line besides, because someone typed it there, counts before the job's.

    Args:
        declared: a dataclass; see ``hyperparameter`` for ranges and choices.
        values: hyperparameters by name that replace every other source.
        arguments: the command line without the program's name; ``sys.argv`` if None.
        environ: the environment; ``os.environ`` if None.

    Raises:
        HyperparameterError: names everything that is unknown, missing or not allowed, with what
            would be.
        JobError: the job's own files can't be used.
        SystemExit: the command line asks for help, which has been written to stdout.
    """
    known = declared_hyperparameters(declared)
    if values is None:
        arguments = sys.argv[1:] if arguments is None else arguments
        if any(argument in HELP for argument in arguments):
            sys.stdout.write(_help(known))
            raise SystemExit(0)
        values = _collect(Job.from_environ(os.environ if environ is None else environ), arguments)
    converted: dict[str, Any] = {}
    problems = list(_fill(converted, known, values))
    if problems:
        raise HyperparameterError(problems)
    return declared(**converted)


def _collect(job: Job, arguments: Sequence[str]) -> Mapping[str, Any]:
    """The job's values, and over them what was typed on the command line.

    The toolkit repeats the job's values there, in a form that has lost their types.
    """
    repeated = {name: decoded(value) for name, value in job.hyperparameters.items()}
    if list(arguments) == toolkit_arguments(repeated):
        return job.hyperparameters
    typed = read_arguments(arguments)
    kept = {
        name: value
        for name, value in job.hyperparameters.items()
        if _as_field(name) not in map(_as_field, typed)
    }
    return kept | typed


def _fill(
    converted: dict[str, Any], known: Sequence[Hyperparameter], values: Mapping[str, Any]
) -> Iterator[str]:
    """Put the converted values into a dictionary, and give what is wrong with the others."""
    by_name = {each.name: each for each in known}
    seen: dict[str, str] = {}
    for given, value in values.items():
        name = _as_field(given)
        if name in seen:
            yield f"{given} and {seen[name]} are the same hyperparameter, given twice"
        elif name not in by_name:
            yield _unknown(given, by_name)
        else:
            try:
                converted[name] = by_name[name].value_of(value)
            except (ValueError, OverflowError):
                yield f"{given} is {_shown(name, value)}: it must be {by_name[name].expectation}"
        seen[name] = given
    for each in known:
        if each.required and each.name not in seen:
            yield f"{each.name} is missing: it must be {each.expectation}"


def _as_field(name: str) -> str:
    return name.replace("-", "_")


def _unknown(name: str, known: Mapping[str, Hyperparameter]) -> str:
    close = get_close_matches(_as_field(name), known, n=1)
    if close:
        return f"{name} is unknown: is {close[0]} meant?"
    return f"{name} is unknown: there are {', '.join(known) or 'none'}"


def _shown(name: str, value: Any) -> str:
    if is_secret(name):
        return MASK
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _help(known: Sequence[Hyperparameter]) -> str:
    lines = ["hyperparameters:"]
    for each in known:
        row = each.row
        more = f"; {row['allowed']}" if row["allowed"] else ""
        text = f"  --{row['name']}  {row['type']}{more}; default: {row['default']}  {row['help']}"
        lines.append(text.rstrip())
    return "\n".join(lines) + "\n"
