"""The command ``byo``: its parser, and the way to a subcommand."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import metadata

from byo.cli import build, check, demo, init, invoke, push, serve, train
from byo.cli.terminal import EXIT_CODES, Parser, errors_as_lines

SUBCOMMANDS = (init, check, train, serve, invoke, build, push, demo)
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
    options = build_parser().parse_args(arguments)
    with errors_as_lines(options.command):
        code: int = options.run(options)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command and of all its subcommands."""
    parser = Parser(
        prog="byo",
        description="Bring your own scikit-learn algorithm to SageMaker: on this machine first.",
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"byo {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in SUBCOMMANDS:
        name = module.__name__.rpartition(".")[2]
        subparser = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.DESCRIPTION,
            epilog=f"{module.EXAMPLES}\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def _version() -> str:
    try:
        return metadata.version("byo")
    except metadata.PackageNotFoundError:
        return "(run from a checkout)"
