"""The edge between the core, which raises, and the terminal, which reads lines and exit codes."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from byo.command_errors import EXIT_FAILED, EXIT_USAGE, exit_code
from contract.early_interrupt import EXIT_INTERRUPTED, raise_on_interrupt
from contract.errors import ByoError

EXIT_CODES = """\
exit codes:
  0    done
  1    your algorithm, job or request failed
  2    an option or a setting can't be used
  3    something is missing on this machine; the message has the command that installs it
  130  interrupted (Ctrl-C)
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


@contextmanager
def errors_as_lines(command: str) -> Iterator[None]:
    """Turn what a command raises on purpose into one line on stderr and an exit code."""
    _end_on_termination()
    raise_on_interrupt()
    try:
        yield
    except ByoError as error:
        _fail(command, str(error), exit_code(error))
    except KeyboardInterrupt:
        _fail(command, "interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(EXIT_FAILED) from None
    except OSError as error:
        what = error.strerror or str(error)
        place = f"{error.filename}: " if error.filename else ""
        _fail(command, f"{place}{what}", EXIT_FAILED)


def say(text: str = "") -> None:
    """A line for the user, on its way before anything that a child may print."""
    print(text, flush=True)


def note(command: str, text: str) -> None:
    """A line beside a command's output, on stderr."""
    print(f"byo {command}: {text}", file=sys.stderr, flush=True)


def _fail(command: str, text: str, code: int) -> NoReturn:
    note(command, " ".join(text.split()))
    raise SystemExit(code) from None


def _end_on_termination() -> None:
    """Let SIGTERM and SIGHUP unwind the stack, so that what was started is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _terminated)


def _terminated(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
