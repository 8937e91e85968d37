"""What a terminal gets beyond plain text: colour, tables that fit it, and a sign of life.

Rich draws them, where it is installed (the extra `cli`). A pipe, a file, a dumb terminal and
whoever sets `NO_COLOR` get plain text, which says the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from byo import table
from byo.cli.errors_to_exit_codes import say
from byo.contract_check.findings import Finding, Level

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {Level.OK: "green", Level.WARNING: "bold yellow", Level.ERROR: "bold red"}


def say_finding(finding: Finding) -> None:
    """A finding as a line; a terminal shows its level in colour."""
    terminal = terminal_of(sys.stdout)
    if terminal is None:
        say(str(finding))
        return
    from rich.text import Text

    text = Text(str(finding))
    text.stylize(STYLES[finding.level], 0, len(finding.level))
    # Not wrapped here: the terminal does so by itself, and a path stays whole when it is copied.
    terminal.print(text, soft_wrap=True)


def say_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; a terminal too narrow for it shows cells on several lines."""
    terminal = terminal_of(sys.stdout)
    if terminal is None:
        say(table.render(header, rows))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, right in zip(header, table.numeric(header, rows), strict=True):
        drawn.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in table.texts(rows):
        drawn.add_row(*map(Text, row))
    terminal.print(drawn)


@contextmanager
def working(text: str, log: Path | None = None) -> Iterator[None]:
    """Show on stderr, while the block runs, what goes on and for how long; on a terminal alone.

    One on which nothing can be drawn gets a line at the beginning.

    Args:
        text: a few words; nothing else may be printed meanwhile.
        log: a file that is written meanwhile: its last line is shown as well.
    """
    terminal = terminal_of(sys.stderr)
    if terminal is None:
        if sys.stderr.isatty():
            print(f"{text} …", file=sys.stderr, flush=True)
        yield
        return
    from byo.cli.drawn_progress import drawn

    with drawn(terminal, text, log):
        yield


def terminal_of(stream: TextIO) -> Console | None:
    """Rich on a stream, or None where plain text is due."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "", "dumb", "unknown")
    if plain or not stream.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, highlight=False, markup=False, emoji=False)
