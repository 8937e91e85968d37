"""Whether anything may be unpickled while a model is loaded, by whomever."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from contract.errors import ModelLoadError
from contract.settings import FORMATS_VARIABLE

PICKLED_FORMATS = frozenset({"joblib", "pickle"})


class _Guard:
    """Refuses to find a pickle's classes and functions, while it is on.

    Python asks before each, whoever unpickles; a hook that it asks can't be taken away again.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._is_installed = False

    def install(self) -> None:
        if not self._is_installed:
            sys.addaudithook(self._asked)
            self._is_installed = True

    def _asked(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_on and event == "pickle.find_class":
            module, name = arguments[:2]
            raise ModelLoadError(
                f"something was about to be unpickled ({module}.{name}), which "
                f"{FORMATS_VARIABLE} does not allow while a model is loaded"
            )


_GUARD = _Guard()


@contextmanager
def unpickling_as_allowed(formats: Collection[str]) -> Iterator[None]:
    """Refuse to unpickle until the block ends, where no allowed format takes that.

    A user's own ``model_fn`` is held to it as well.

    Args:
        formats: the formats that models may have.
    """
    if PICKLED_FORMATS.intersection(formats):
        yield
        return
    _GUARD.install()
    _GUARD.is_on = True
    try:
        yield
    finally:
        _GUARD.is_on = False
