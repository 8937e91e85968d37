"""A stack: a way to serve a scikit-learn model that someone might choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from contract import Paths

ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Task:
    """What a server is to do.

    Args:
        paths: the tree with the model to serve.
        port: of the loopback interface.
        scratch: a folder for whatever it writes.
        workers: how many, where the stack has to be told.
        multi_model: whether it starts with no model, to load some later.
    """

    paths: Paths
    port: int
    scratch: Path
    workers: int
    multi_model: bool = False


@dataclass(frozen=True)
class Stack:
    """How to start one.

    Args:
        name: what it is called in options and files.
        label: what it is called in tables.
        command: the command line for a task.
        environ: the variables for a task, beside those that are passed on to all.
        missing: what this machine lacks for it, in a line, or None.
    """

    name: str
    label: str
    command: Callable[[Task], list[str]]
    environ: Callable[[Task], Mapping[str, str]]
    missing: Callable[[], str | None]


def lacking(*modules: str) -> str | None:
    """What to say if one of these modules is not installed."""
    for module in modules:
        if find_spec(module) is None:
            return f"the module {module} is not installed here: run `make bench`"
    return None
