"""Ctrl-C while a command is still being imported: one line and an exit code, no traceback.

Imports take most of a second, and nothing has been started by then that would have to be stopped.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

EXIT_INTERRUPTED = 130


def _say(text: str) -> None:
    os.write(2, f"{text}\n".encode())


def end_on_interrupt(command: str, say: Callable[[str], None] = _say) -> None:
    """From now on, Ctrl-C ends this process at once; where it was ignored, it still is.

    Args:
        command: what the line begins with.
        say: writes a line to standard error.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        say(f"{command}: interrupted")
        os._exit(EXIT_INTERRUPTED)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)
    # What has waited since the program before this one became it: see `wait_for_next_program`.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def raise_on_interrupt() -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt again, as there is something to stop."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_for_next_program() -> None:
    """Have Ctrl-C wait for `end_on_interrupt` in the program that this process becomes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
