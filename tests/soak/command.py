"""The command line of the soak."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.soak import verdict
from tests.soak.server_run import Found, Plan, run

WORKERS = {"single": 2, "multi": 1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak; 1 where anything is not as it must be."""
    options = _parser().parse_args(arguments)
    modes = ("single", "multi") if options.mode == "both" else (options.mode,)
    folder = options.output or Path(tempfile.mkdtemp(prefix="byo-soak-"))
    tell(f"seed {options.seed}; logs, the journal and what is found go to {folder}")
    is_well = True
    for mode in modes:
        seconds = 60 * options.minutes / len(modes)
        workers = options.workers or WORKERS[mode]
        found = run(Plan(mode, seconds, options.seed, folder / mode, workers), tell)
        print(f"\n{verdict.table(found)}\n", flush=True)
        _tell_suspects(found)
        is_well = is_well and verdict.passed(found)
    tell("all is as it must be" if is_well else f"something is not as it must be: {folder}")
    return 0 if is_well else 1


def tell(line: str) -> None:
    print(f"[soak] {line}", flush=True)


def _tell_suspects(found: Found) -> None:
    """Every request that went wrong, in a file; the first of those that fail the soak here."""
    file = found.plan.folder / "suspects.txt"
    file.write_text("\n".join(map(str, found.tally.suspects)), encoding="utf-8")
    bad = [one for one in found.tally.suspects if one.what not in ("unexpected", "late")]
    for one in [*bad, *verdict.late_by_itself(found), *verdict.unexplained(found)][:20]:
        tell(f"{one.begun:.2f}–{one.ended:.2f} s: {one.what}, {one.asked.who}, "
             f"{one.asked.model}: {one.detail[:200]}")  # fmt: skip
    for name in found.stuck:
        tell(f"stuck: {name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long, altogether")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn from")
    parser.add_argument("--mode", choices=("single", "multi", "both"), default="both")
    parser.add_argument("--workers", type=int, help="workers for each model; else 2 and 1")
    parser.add_argument("--output", type=Path, help="a new folder for logs and the journal")
    return parser
