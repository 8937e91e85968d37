"""What the failure file says: the cause first, in the 1,024 characters that SageMaker shows."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contract.requirements.pip_run import why_pip_failed
from training_entry.script.native_crash import find_crash
from training_entry.script.resource_usage import counted, memory
from training_entry.script.script_supervisor import Ending

SHOWN_CHARACTERS = 1024
# A long message leaves room for its place and for the trace.
MESSAGE_CHARACTERS = 500
SOURCE_CHARACTERS = 120


def describe_ending(
    program: str, directory: Path, ending: Ending, report: Mapping[str, Any] | None
) -> str:
    """Why the user's process failed.

    Args:
        program: the script's name.
        directory: the user's folder.
        ending: how the process ended, with an exit code other than 0.
        report: what the bootstrap wrote about an exception; None where it wrote nothing.
    """
    return clip("\n".join(_ending_lines(program, directory, ending, report)), SHOWN_CHARACTERS)


def describe_installation(what: str, log: str) -> str:
    """Why ``pip install`` failed: pip's own error lines.

    Args:
        what: what was to be installed.
        log: the text of pip's log.
    """
    reasons = why_pip_failed(log) if log.strip() else ["pip gave no reason: see the log"]
    return clip("\n".join([f"pip could not install {what}: {reasons[0]}", *reasons[1:]]))


def clip(text: str, length: int = SHOWN_CHARACTERS) -> str:
    """The text, cut where it is longer than `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def signal_name(number: int) -> str:
    """A signal as people know it."""
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"


def _ending_lines(
    program: str, directory: Path, ending: Ending, report: Mapping[str, Any] | None
) -> Iterator[str]:
    code = report["exit_code"] if report is not None else None
    raised = report is not None and code is None and report["in_thread"] is None
    if ending.stopped_by is not None:
        killed = "; it went on after that and was killed" if ending.overdue else ""
        yield f"stopped by {signal_name(ending.stopped_by)} before {program} finished{killed}"
    elif ending.returncode < 0:
        yield from _death_lines(program, directory, ending)
    elif not raised:
        yield from _exit_lines(program, ending, report)
    if report is not None and raised:
        yield from _exception_lines(report)


def _death_lines(program: str, directory: Path, ending: Ending) -> Iterator[str]:
    number = -ending.returncode
    line = f"{program} was killed by {_death(number, ending)}"
    crash = find_crash(ending.stderr, directory)
    if crash is not None:
        yield f"{line}: {_one_line(crash['message'])}{_place(crash)}"
        yield from (f"  {_frame(frame)}" for frame in crash["frames"])
    elif number != signal.SIGKILL and ending.last_words:
        yield line + _last_words(ending)
    else:
        yield line


def _exit_lines(program: str, ending: Ending, report: Mapping[str, Any] | None) -> Iterator[str]:
    code = ending.returncode
    line = f"{program} exited with code {code}"
    thread = report and (report if report["in_thread"] is not None else report["thread"])
    if thread:
        # It printed its traceback, so the last line on stderr says the same again.
        yield _headline(thread)
        yield f"  in {thread['in_thread'] or 'a thread'}, after which {line}"
        yield from _below_headline(thread)
        return
    if report is not None:
        line += _place(report)
    elif 128 < code <= 128 + signal.NSIG:
        # A shell tells so that a command of the script was killed.
        line += f": a process of it was killed by {_death(code - 128, ending)}"
    yield line + (_last_words(ending) if ending.last_words else "")


def _last_words(ending: Ending) -> str:
    return f"; the last line on stderr: {_one_line(ending.last_words)}"


def _exception_lines(report: Mapping[str, Any], lead: str = "") -> Iterator[str]:
    yield lead + _headline(report)
    yield from _below_headline(report, " " * (len(lead) - len(lead.lstrip())))


def _below_headline(report: Mapping[str, Any], indent: str = "") -> Iterator[str]:
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
    source = clip(frame["source"], SOURCE_CHARACTERS)
    return f"{frame['file']}:{frame['line']}{where}" + (f": {source}" if source else "")


def _one_line(text: str) -> str:
    """The text on one line, with escapes in place of what can't be shown or encoded."""
    line = clip(" ".join(text.split()), MESSAGE_CHARACTERS)
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in line
    )


def _death(number: int, ending: Ending) -> str:
    if number != signal.SIGKILL:
        return signal_name(number)
    peak = f"peak RSS {memory(ending.peak.resident)} in {counted(ending.peak.processes)}"
    return f"{signal_name(number)}: probably out of memory, {peak}"
