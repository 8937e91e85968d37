"""A stack: a way to serve a scikit-learn model that someone might choose."""

from __future__ import annotations

import shutil
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
        model_file: what each model's folder has to hold for it, where the model has no own.
    """

    name: str
    label: str
    command: Callable[[Task], list[str]]
    environ: Callable[[Task], Mapping[str, str]]
    missing: Callable[[], str | None]
    model_file: Path | None = None

    def complete(self, model_dir: Path) -> None:
        """Put the file that this stack needs beside a model, where it is not there yet."""
        if self.model_file is not None and not self.finds_all_in(model_dir):
            shutil.copy(self.model_file, model_dir)

    def finds_all_in(self, model_dir: Path) -> bool:
        return self.model_file is None or (model_dir / self.model_file.name).exists()


def lacking(*modules: str) -> str | None:
    """What to say if one of these modules is not installed."""
    for module in modules:
        if find_spec(module) is None:
            return f"the module {module} is not installed here: run `make bench`"
    return None
