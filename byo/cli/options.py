"""Options that several subcommands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from contract.paths import BASE_DIR_VARIABLE

OWN_TREE = ".byo"


def add_algorithm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--algorithm",
        type=Path,
        metavar="DIR",
        help="the algorithm folder (default: BYO_ALGORITHM_DIR, else the first of ., "
        "./algorithm and /opt/program that holds a train.py)",
    )


def add_base_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base-dir",
        type=Path,
        metavar="DIR",
        default=os.environ.get(BASE_DIR_VARIABLE) or None,
        help=f"the /opt/ml tree (default: {BASE_DIR_VARIABLE}, else ./{OWN_TREE})",
    )


def seconds(text: str) -> float:
    """An argparse type: a time in seconds, more than none."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 86400")
    return value
