"""The command ``byo``: its parser, and the way to a subcommand."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any

from byo.cli.errors_to_exit_codes import EXIT_CODES, Parser, errors_as_lines

SUBCOMMANDS = {
    "init": "make a new algorithm folder",
    "check": "check that an algorithm folder keeps the contract",
    "train": "run a training job as SageMaker does",
    "serve": "serve a trained model on this machine",
    "pin": "note what the files of a model folder are, or check that they still are",
    "endpoint": "answer as SageMaker's Runtime does, on this machine",
    "play": "show a form in the browser that invokes a running server",
    "invoke": "send a file to a running server",
    "transform": "send files through a model as batch transform does",
    "replay": "send recorded invocations again, and compare the answers",
    "models": "list the models of a multi-model server",
    "load": "load a model into a multi-model server",
    "unload": "unload a model of a multi-model server",
    "build": "build the image",
    "push": "push the image to Amazon ECR",
    "demo": "train, serve and invoke, from data to predictions",
    "doctor": "check what training and serving need on this machine",
    "completion": "print what completes these commands in a shell",
}
EXAMPLES = """\
examples:
  byo demo                            see it all work, from data to predictions
  byo init mine && byo check mine     a new algorithm, and whether it keeps the contract
  byo train --algorithm mine          train on mine/sample, as SageMaker would
  byo serve --algorithm mine          serve the model on http://127.0.0.1:8080
  byo invoke mine/sample/payload.csv  ask it for predictions
  byo build mine --algorithm mine     the image; then byo train --image mine, byo push mine
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Returns:
        The exit code; an error ends in ``SystemExit`` with its code.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    command = next((each for each in given if not each.startswith("-")), None)
    parser = build_parser([] if command is None else [command])
    if command is not None and command not in SUBCOMMANDS:
        parser.error(_unknown(command))
    options = parser.parse_args(given)
    with errors_as_lines(options.command):
        code: int = options.run(options)
    return code


def build_parser(complete: Collection[str] = tuple(SUBCOMMANDS)) -> argparse.ArgumentParser:
    """The parser of the command and of its subcommands.

    Args:
        complete: the subcommands that get all of their own. Each costs the import of its module,
            and of what that needs; the others have their names and their summaries.
    """
    parser = Parser(
        prog="byo",
        description="Bring your own scikit-learn algorithm to SageMaker: on this machine first.",
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-V", "--version", action=_Version, nargs=0, help="show the version and exit"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in SUBCOMMANDS.items():
        if name in complete:
            module = importlib.import_module(f"byo.cli.{name}")
            subparser = commands.add_parser(
                name,
                help=summary,
                description=module.DESCRIPTION,
                epilog=f"{module.EXAMPLES}\n{EXIT_CODES}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
        else:
            commands.add_parser(name, help=summary)
    return parser


def _unknown(command: str) -> str:
    close = get_close_matches(command.lower(), SUBCOMMANDS, n=1)
    meant = f"is {close[0]} meant?" if close else f"there are {', '.join(SUBCOMMANDS)}"
    return f"{command!r} is not a command: {meant}"


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes as long as all else of --help."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib import metadata

        try:
            version = metadata.version("byo")
        except metadata.PackageNotFoundError:
            version = "(run from a checkout)"
        print(f"byo {version}")
        parser.exit()
