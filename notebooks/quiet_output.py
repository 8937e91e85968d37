"""What bring_your_own.ipynb shows: what its cells print, without what containers log beside it."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any, TextIO

# What a server says while cells run: print(background.getvalue()) shows it.
background = StringIO()


@contextmanager
def quietly() -> Iterator[StringIO]:
    """Keep what a job prints, and show it only if the job fails."""
    printed = StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            yield printed
    except Exception:
        print(printed.getvalue())
        raise


def show_cells_only() -> None:
    """Put what other threads print into `background`, and of the SDK's log show the errors."""
    for logger in ("", "sagemaker", "sagemaker.config"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    sys.stdout = _CellsOnly(sys.stdout)  # type: ignore[assignment]


class _CellsOnly:
    def __init__(self, shown: TextIO) -> None:
        self._shown = shown

    def write(self, text: str) -> int:
        cell = threading.current_thread() is threading.main_thread()
        return (self._shown if cell else background).write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)
