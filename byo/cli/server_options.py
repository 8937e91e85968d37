"""Options of the subcommands that ask a running server."""

from __future__ import annotations

import argparse

from byo.cli.options import seconds
from byo.endpoint.client import DEFAULT_URL, TIMEOUT_SECONDS


def add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", default=DEFAULT_URL, help="the server's address (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long the answer may take (default: %(default)g)",
    )
