"""How far a transform job is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from byo.cli.progress_and_colour import terminal_of

Advanced = Callable[[int], None]
Say = Callable[[str], None]


@contextmanager
def progress_bar(total: int, say: Say) -> Iterator[tuple[Advanced, Say]]:
    """A bar on stderr while the block runs.

    Args:
        total: bytes of all objects.
        say: prints a line where there is no bar to print above.

    Yields:
        What takes the bytes that were read, and what prints a line.
    """
    terminal = terminal_of(sys.stderr)
    if terminal is None or not total:
        yield (lambda read: None), say
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        redirect_stdout=True,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("transforming", total=total)
        yield (lambda read: bar.advance(task, read)), say
