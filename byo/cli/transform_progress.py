"""How far a transform job is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from byo.cli.errors_to_exit_codes import say
from byo.cli.progress_and_colour import terminal_of
from byo.cli.transform_outcome import log_line

Advanced = Callable[[int], None]
Log = Callable[[str], None]


@contextmanager
def progress_bar(total: int) -> Iterator[tuple[Advanced, Log]]:
    """A bar on stderr while the block runs.

    Args:
        total: bytes of all objects.

    Yields:
        What takes the bytes that were read, and what prints a line of the log meanwhile.
    """
    terminal = terminal_of(sys.stderr)
    if terminal is None or not total:
        yield (lambda read: None), log_line
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("transforming", total=total)
        above = partial(terminal.print, soft_wrap=True) if sys.stdout.isatty() else say
        yield (lambda read: bar.advance(task, read)), partial(log_line, printed=above)
