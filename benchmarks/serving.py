"""Compare `serve` with other ways to serve the same models, all in one run.

python -m benchmarks.serving --quick
python -m benchmarks.serving --measures iris,load --stacks ours,stock --rounds 2 --seconds 1
"""

from __future__ import annotations

import argparse
import compileall
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine_report, plots
from benchmarks.figures import Figure
from benchmarks.measures.all_measures import MEASURES
from benchmarks.report import Results, markdown
from benchmarks.session import FAILURES, Session
from benchmarks.stacks.all_stacks import OURS, STACKS
from benchmarks.stacks.ours import ours
from benchmarks.stacks.stack import Stack

ROOT = Path(__file__).parent.parent
ROUNDS, SECONDS = 5, 1.5
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
AGAIN = "measured again"


def main() -> int:
    # So that every server is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = parse()
    if options.list:
        print(listing())
        return 0
    chosen = {name: with_settings(STACKS[name], dict(options.ours)) for name in options.stacks}
    absent = {name: why for name, stack in chosen.items() if (why := stack.missing())}
    for name, why in absent.items():
        say(f"without {name}: {why}")
    stacks = {name: stack for name, stack in chosen.items() if name not in absent}
    results = run(options, stacks, absent)
    print(markdown(results))
    if options.renew:
        write(renewed(options.renew, results, options.measures), options.renew)
    if options.output:
        write(results, options.output)
    return 1 if results.failures else 0


def run(
    options: argparse.Namespace, stacks: Mapping[str, Stack], absent: Mapping[str, str]
) -> Results:
    """Take every measure asked for; one that fails leaves the others be."""
    where = machine_report.describe()
    for package in ("benchmarks", "byo", "contract", "handler"):
        # An image is compiled when it is built; a checkout should not be at a disadvantage.
        compileall.compile_dir(ROOT / package, quiet=2)
    with tempfile.TemporaryDirectory(prefix="byo-bench-") as root:
        session = Session(Path(root), stacks, options.rounds, options.seconds, options.quick, say)
        figures = []
        for name in options.measures:
            try:
                figures += MEASURES[name](session)
            except FAILURES as failure:
                session.failures.append(f"{name}: {failure}")
    shown = {
        "rounds": options.rounds,
        "seconds per turn": options.seconds,
        "in short": options.quick,
        "settings of ours": dict(options.ours) or "defaults",
    }
    return Results(where, shown, figures, absent, session.failures)


def renewed(folder: Path, results: Results, measures: Sequence[str]) -> Results:
    """The results in a folder, with what was measured again in the place of what it was.

    The report says which measures are of a later run.
    """
    kept = json.loads((folder / "serving.json").read_text(encoding="utf-8"))
    known = {figure["name"]: Figure(**figure) for figure in kept["figures"]} | results.by_name()
    again = [*filter(None, kept["options"].get(AGAIN, "").split(", ")), *measures]
    return replace(
        results,
        machine=kept["machine"],
        options=kept["options"] | {AGAIN: ", ".join(dict.fromkeys(again))},
        figures=list(known.values()),
        absent=kept["absent"],
        failures=[*kept["failures"], *results.failures],
    )


def write(results: Results, folder: Path) -> None:
    """Leave the figures, the report and its pictures in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(results.to_json(), indent=1, ensure_ascii=False)
    (folder / "serving.json").write_text(document + "\n", encoding="utf-8")
    (folder / "serving.md").write_text(markdown(results), encoding="utf-8")
    plots.draw(results.by_name(), folder)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a first look, in minutes")
    for kind, known in (("--measures", MEASURES), ("--stacks", STACKS)):
        help_text = "these alone (default: all; see --list)"
        add(kind, type=names_of(known), default=list(known), metavar="A,B", help=help_text)
    add("--rounds", type=int, metavar="N", help=f"turns of each stack (default: {ROUNDS})")
    add("--seconds", type=float, metavar="S", help=f"of a turn under load (default: {SECONDS:g})")
    add(
        "--ours",
        type=variable,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable for our own server; again for more",
    )
    add("--output", type=Path, metavar="DIR", help="write the results there, too")
    add("--renew", type=Path, metavar="DIR", help="put what is measured into the results there")
    add("--list", action="store_true", help="name the measures and the stacks")
    options = parser.parse_args()
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    return options


def names_of(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    """What reads an option that lists names, in the order in which they are known."""

    def read(text: str) -> list[str]:
        asked = text.split(",")
        if unknown := set(asked) - set(known):
            raise argparse.ArgumentTypeError(
                f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}"
            )
        return [name for name in known if name in asked]

    return read


def variable(text: str) -> tuple[str, str]:
    """What reads an option of the form NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def with_settings(stack: Stack, settings: Mapping[str, str]) -> Stack:
    """Our own stack with more settings; another as it is."""
    return ours(stack.name, stack.label, **settings) if stack.name == OURS else stack


def listing() -> str:
    """The names that the options know."""
    lines = ["measures:", *(f"  {name}" for name in MEASURES), "stacks:"]
    return "\n".join([*lines, *(f"  {name:16}{stack.label}" for name, stack in STACKS.items())])


def say(what: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
