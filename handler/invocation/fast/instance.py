"""Lets a fitted model answer faster by itself, for user code that calls its methods.

The methods are replaced on the instance. Its class and what it has learned stay as they are, and so
does what is written of it: a copy, a clone or a pickle has the library's own methods, as
``__getstate__`` leaves ours out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handler.invocation.fast.shortcut import Shortcut, shortcuts_to


def quicken(model: Any) -> list[str]:
    """Put the short ways in place of a model's methods; of models in a dict, list or tuple, too.

    Returns:
        The names of the methods that were replaced.
    """
    parts = [model]
    if isinstance(model, Mapping):
        parts = list(model.values())
    elif isinstance(model, list | tuple):
        parts = list(model)
    return [name for part in parts for name in _quicken_one(part)]


def _quicken_one(model: Any) -> list[str]:
    shortcuts = shortcuts_to(model)
    for name, shortcut in shortcuts.items():
        shortcut.put_in_place(name, shortcut)
    for shortcut in list(shortcuts.values())[:1]:
        shortcut.put_in_place("__getstate__", _StateWithoutOurs(model))
    return list(shortcuts)


class _StateWithoutOurs:
    """A model's state as its class gives it, without what was put in place here."""

    batchable = True  # it has nothing to do with rows

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self) -> Any:
        model = self._model
        state = type(model).__getstate__(model)  # type: ignore[call-arg]
        if not isinstance(state, dict):
            return state
        ours = (Shortcut, _StateWithoutOurs)
        return {name: value for name, value in state.items() if not isinstance(value, ours)}
