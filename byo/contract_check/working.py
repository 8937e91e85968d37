"""How a check lets somebody see what takes long."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol


class Working(Protocol):
    """Told what goes on in a block that may take long, and which log is written meanwhile."""

    def __call__(self, text: str, log: Path | None = None) -> AbstractContextManager[object]: ...


def silently(text: str, log: Path | None = None) -> AbstractContextManager[object]:
    """Shows nothing."""
    return nullcontext()
