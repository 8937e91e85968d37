"""A line that moves while something takes long: what goes on, since when, what its log says last.

Imported where rich is installed and there is a terminal to draw on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Column
from rich.text import Text

LOOK_SECONDS = 0.5
TAIL_BYTES = 4096
# What stands before the words in the log of a training job, and in that of a server.
BEFORE_WORDS = re.compile(r"^(?:serve: |\d{4}-\d\d-\d\d\S+ \[\S+ |\d{4}-\S+ \S+ \S+ +[A-Z]+ +)")


@contextmanager
def drawn(terminal: Console, text: str, log: Path | None) -> Iterator[None]:
    """The line, for as long as a block runs; nothing of it stays.

    Args:
        terminal: where to draw it.
        text: what goes on.
        log: the file whose last line is shown.
    """
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), Elapsed()]
    progress = Progress(
        *columns,
        *([LastLine(log)] if log else []),
        console=terminal,
        expand=bool(log),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress:
        # Drawn from here on, and not before: whatever ends this clears the line.
        progress.add_task(text, total=None)
        yield


class LastLine(ProgressColumn):
    """What a file says last, as far as there is room for it."""

    max_refresh = LOOK_SECONDS

    def __init__(self, file: Path) -> None:
        # What room the others leave.
        super().__init__(Column(no_wrap=True, overflow="ellipsis", ratio=1))
        self._file = file

    def render(self, task: Task) -> Text:
        return Text(last_words(self._file), style="dim")


def last_words(file: Path) -> str:
    """The last line of a log that says something, without the time and the place before it."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL_BYTES))
            tail = stream.read().decode(errors="replace")
    except OSError:  # nobody has written yet
        return ""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    words = BEFORE_WORDS.sub("", lines[-1]) if lines else ""
    return "".join(one for one in words if one.isprintable())
