"""What the failure file says: the cause first, in the 1,024 characters that SageMaker shows."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from training_entry.supervisor import Ending

SHOWN_CHARACTERS = 1024
# A long message leaves room for its place and for the trace.
MESSAGE_CHARACTERS = 500
SOURCE_CHARACTERS = 120
PIP_ERROR = "ERROR: "


def describe_ending(program: str, ending: Ending, report: Mapping[str, Any] | None) -> str:
    """Why the user's process failed.

    Args:
        program: the script's name.
        ending: how the process ended, with an exit code other than 0.
        report: what the bootstrap wrote about an exception; None where it wrote nothing.
    """
    return clip("\n".join(_ending_lines(program, ending, report)), SHOWN_CHARACTERS)


def describe_installation(what: str, log: str) -> str:
    """Why ``pip install`` failed: pip's own error lines.

    Args:
        what: what was to be installed.
        log: the text of pip's log.
    """
    said = [line.partition(PIP_ERROR)[2].strip() for line in log.splitlines() if PIP_ERROR in line]
    # The last line names the package; those before it say why.
    reasons = list(dict.fromkeys(reversed(said))) or ["pip gave no reason: see the log"]
    return clip("\n".join([f"pip could not install {what}: {reasons[0]}", *reasons[1:]]))


def write_failure(file: Path, text: str) -> None:
    """Write the failure file, unless the script wrote its own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return


def clip(text: str, length: int = SHOWN_CHARACTERS) -> str:
    """The text, cut where it is longer than `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _ending_lines(program: str, ending: Ending, report: Mapping[str, Any] | None) -> Iterator[str]:
    if ending.stopped_by is not None:
        killed = "; it went on after that and was killed" if ending.overdue else ""
        yield f"stopped by {_name(ending.stopped_by)} before {program} finished{killed}"
    elif ending.returncode < 0:
        yield f"{program} was killed by {_death(-ending.returncode)}"
    elif report is None or isinstance(report["exit_code"], int):
        yield _exit_line(program, ending, report)
    if report is not None and not isinstance(report["exit_code"], int):
        yield from _exception_lines(report)


def _exit_line(program: str, ending: Ending, report: Mapping[str, Any] | None) -> str:
    code = ending.returncode
    line = f"{program} exited with code {code}"
    if report is not None:
        line += _place(report)
    elif 128 < code <= 128 + signal.NSIG:
        # A shell tells so that a command of the script was killed.
        line += f": a process of it was killed by {_death(code - 128)}"
    if ending.last_words:
        line += f"; the last line on stderr: {clip(ending.last_words, MESSAGE_CHARACTERS)}"
    return line


def _exception_lines(report: Mapping[str, Any], lead: str = "") -> Iterator[str]:
    yield lead + _headline(report)
    indent = " " * (len(lead) - len(lead.lstrip()))
    for note in report["notes"]:
        yield f"{indent}  {_one_line(note)}"
    for member in report["members"]:
        yield from _exception_lines(member, f"{indent}  - ")
    for frame in report["frames"]:
        yield f"{indent}  {_frame(frame)}"
    if report["cause"] is not None:
        yield from _exception_lines(report["cause"], f"{indent}caused by ")


def _headline(report: Mapping[str, Any]) -> str:
    message = _one_line(report["message"])
    return f"{report['type']}: {message}{_place(report)}" if message else _bare(report)


def _bare(report: Mapping[str, Any]) -> str:
    return f"{report['type']}{_place(report)}"


def _place(report: Mapping[str, Any]) -> str:
    if not report["frames"]:
        return ""
    frame = report["frames"][-1]
    return f" ({frame['file']}:{frame['line']})"


def _frame(frame: Mapping[str, Any]) -> str:
    where = f" in {frame['function']}" if frame["function"] else ""
    return f"{frame['file']}:{frame['line']}{where}: {clip(frame['source'], SOURCE_CHARACTERS)}"


def _one_line(text: str) -> str:
    return clip(" ".join(text.split()), MESSAGE_CHARACTERS)


def _death(number: int) -> str:
    hint = ": probably out of memory" if number == signal.SIGKILL else ""
    return f"{_name(number)}{hint}"


def _name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"
