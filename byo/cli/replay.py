"""``byo replay``: send recorded invocations again, and compare the answers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from byo.cli.errors_to_exit_codes import say
from byo.cli.options import seconds
from byo.cli.progress_and_colour import working
from byo.command_errors import RequestFailed, UsageError
from byo.endpoint.client import DEFAULT_URL, TIMEOUT_SECONDS
from byo.junit_report import Case, write_junit
from byo.recorded import Errors, Replayed, Strictness, read_recording, replay
from byo.recorded.replay import Replay

DESCRIPTION = """\
Send the invocations of a recording (`byo endpoint record`) to a server, in their order, and compare
each answer with the one that was recorded; with --url2, compare the answers of two servers. Status,
content type and body are compared: JSON, CSV, JSON lines, NPY, NPZ, Parquet and RecordIO by their
values, others by their bytes. The exit code is 1 if any answer differs.
"""
EXAMPLES = """\
examples:
  byo replay invocations.jsonl --url http://127.0.0.1:8080
  byo replay invocations.jsonl --url http://127.0.0.1:8080 --tolerance 1e-6 --concurrency 8
  byo replay invocations.jsonl --url http://old:8080 --url2 http://new:8080 --junit report.xml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the recording")
    parser.add_argument(
        "--url", default=DEFAULT_URL, help="the server to ask (default: %(default)s)"
    )
    parser.add_argument(
        "--url2", metavar="URL", help="compare with this server's answers, not the recorded ones"
    )
    parser.add_argument(
        "--tolerance",
        type=_tolerance,
        default=0.0,
        metavar="X",
        help="by how much numbers may differ: of the larger, or below 1 in itself (default: 0)",
    )
    parser.add_argument(
        "--errors",
        choices=[each.value for each in Errors],
        default=Errors.STATUS.value,
        help="two errors are alike: any two, those of one status, those that say the same "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--concurrency",
        type=_concurrency,
        default=1,
        metavar="N",
        help="invocations under way together, begun in their order (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long an answer may take (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="print what came out as JSON")
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="write what came out as JUnit's XML, too"
    )


def run(options: argparse.Namespace) -> int:
    strictness = Strictness(options.tolerance, Errors(options.errors))
    how = Replay(options.url, options.url2, options.timeout, options.concurrency, strictness)
    done: list[_Result] = []
    with working(f"asking {options.url}"):
        for replayed in replay(read_recording(options.file), how):
            done.append(_Result(replayed))
            if replayed.lines and not options.json:
                say(str(done[-1]))
    if not done:
        raise UsageError(f"{options.file} holds no invocation")
    if options.json:
        say(json.dumps(_document(options, done), indent=2))
    else:
        say(_summary(options, done))
    if options.junit:
        write_junit(options.junit, "byo replay", [result.as_case() for result in done])
    different = sum(bool(result.lines) for result in done)
    if different:
        raise RequestFailed(f"{different} of {len(done)} invocations are answered otherwise")
    return 0


class _Result:
    """What is kept of an invocation that was sent again: no bodies."""

    def __init__(self, replayed: Replayed) -> None:
        invocation = replayed.invocation
        self.lines = replayed.lines
        self.number = invocation.number
        kind = invocation.headers.get("content-type", "no content type")
        size = len(invocation.body)
        self.request = f"{invocation.method} {invocation.path} ({kind}, {size} bytes)"
        self.before = replayed.first.seconds if replayed.first else None
        self.now = replayed.second.seconds if replayed.second else None

    def __str__(self) -> str:
        lines = "".join(f"\n         {line}" for line in self.lines)
        return f"differs  invocation {self.number}: {self.request}{lines}"

    def as_json(self) -> dict[str, Any]:
        return {
            "invocation": self.number,
            "request": self.request,
            "differences": list(self.lines),
            "seconds_before": self.before,
            "seconds_now": self.now,
        }

    def as_case(self) -> Case:
        failure = "; ".join(self.lines) or None
        return Case(f"invocation {self.number}: {self.request}", self.now or 0.0, failure)


def _summary(options: argparse.Namespace, done: Sequence[_Result]) -> str:
    same = sum(not result.lines for result in done)
    first, second = _names(options)
    before, now = _median(each.before for each in done), _median(each.now for each in done)
    return (
        f"{len(done)} invocations: {same} answered alike, {len(done) - same} otherwise; "
        f"median ms: {before} {first}, {now} {second}"
    )


def _document(options: argparse.Namespace, done: Sequence[_Result]) -> dict[str, Any]:
    first, second = _names(options)
    return {
        "file": str(options.file),
        "before": first,
        "now": second,
        "invocations": [result.as_json() for result in done],
        "summary": _summary(options, done),
    }


def _names(options: argparse.Namespace) -> tuple[str, str]:
    """What is compared, as it is called."""
    if options.url2:
        return options.url, options.url2
    return "as recorded", options.url


def _median(times: Any) -> str:
    known = [each for each in times if each is not None]
    return f"{1000 * median(known):.1f}" if known else "none"


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
    return value


def _concurrency(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)
