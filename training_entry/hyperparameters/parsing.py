"""One call from a declaration to checked values, wherever the script runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from training_entry.hyperparameters.arguments import read_arguments, toolkit_arguments
from training_entry.hyperparameters.declaration import (
    Hyperparameter,
    declared_hyperparameters,
    is_pydantic,
)
from training_entry.hyperparameters.filling import as_field, fill, missing
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.job import Job, decoded

Declared = TypeVar("Declared")
HELP = ("-h", "--help")


def parse_hyperparameters(
    declared: type[Declared],
    values: Mapping[str, Any] | None = None,
    *,
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Declared:
    """An instance of the declaring class, with the job's hyperparameters in it.

    The job's are those in ``SM_HPS``, else in ``hyperparameters.json``. What is on the command
    line besides, because someone typed it there, counts before the job's.

    Args:
        declared: a dataclass, see ``hyperparameter`` for ranges and choices; or a model or
            dataclass of pydantic.
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
    if is_pydantic(declared):
        from training_entry.hyperparameters.pydantic_models import instance_of

        return instance_of(declared, values)
    converted: dict[str, Any] = {}
    problems = [*fill(converted, known, values), *missing(known, values)]
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
        if as_field(name) not in map(as_field, typed)
    }
    return kept | typed


def _help(known: Sequence[Hyperparameter]) -> str:
    lines = ["hyperparameters:"]
    for each in known:
        row = each.row
        more = f"; {row['allowed']}" if row["allowed"] else ""
        text = f"  --{row['name']}  {row['type']}{more}; default: {row['default']}  {row['help']}"
        lines.append(text.rstrip())
    return "\n".join(lines) + "\n"
