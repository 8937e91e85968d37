"""``byo pin``: note what the files of a model folder are, or see whether they still are."""

from __future__ import annotations

import argparse
from pathlib import Path

from byo.cli.errors_to_exit_codes import say
from byo.command_errors import UsageError
from contract.model_pins import FILE_NAME, check_pins, write_pins

DESCRIPTION = f"""\
Write {FILE_NAME} into a model folder, as training does at its end: the SHA-256 of every file in it.
Serving refuses a folder that is not as its {FILE_NAME} has it, so this is for after a change of
your own, such as of code/inference.py. With --check, write nothing and tell what differs.
"""
EXAMPLES = """\
examples:
  byo pin model
  byo pin --check model
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="the model folder")
    parser.add_argument(
        "--check", action="store_true", help="see whether the files are as they were pinned"
    )


def run(options: argparse.Namespace) -> int:
    folder: Path = options.directory
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    if options.check:
        check_pins(folder, "require")
        say(f"{folder} is as {FILE_NAME} has it")
        return 0
    number = write_pins(folder)
    if not number:
        raise UsageError(f"{folder} holds no files to pin")
    say(f"{folder / FILE_NAME}: {number} file{'s' * (number != 1)} pinned")
    return 0
