"""``byo init``: a new algorithm folder."""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path

import byo
from byo.cli.errors_to_exit_codes import say
from byo.command_errors import UsageError

DESCRIPTION = """\
Make a new algorithm folder that works as it is: a commented train.py and inference.py,
requirements.txt, and a small sample of real data. Files are never overwritten.
"""
EXAMPLES = """\
examples:
  byo init mine
"""
TEMPLATE = Path(byo.__file__).parent / "templates" / "algorithm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="a new or empty folder")


def run(options: argparse.Namespace) -> int:
    make_algorithm(options.directory)
    folder = options.directory
    say(f"{folder} is a new algorithm folder. Next:")
    say(f"  edit {folder / 'train.py'}, and put your own data in {folder / 'sample'}")
    for command in (
        ("check", folder),
        ("train", "--algorithm", folder),
        ("serve", "--algorithm", folder),
        ("invoke", folder / "sample" / "payload.csv"),
    ):
        say(f"  {shlex.join(['byo', *map(str, command)])}")
    return 0


def make_algorithm(folder: Path) -> None:
    """Copy the template.

    Raises:
        UsageError: the folder holds something already, or is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a new or an empty folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new or an empty folder")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TEMPLATE, folder, ignore=ignore, dirs_exist_ok=True)
