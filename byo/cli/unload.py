"""``byo unload``: unload a model of a multi-model server."""

from __future__ import annotations

import argparse

from byo.cli.errors_to_exit_codes import say
from byo.cli.server_options import add_server
from byo.endpoint import Client
from byo.endpoint.managed_models import unload_model

DESCRIPTION = """\
Unload a model of a multi-model server; its memory is free when the command ends.
"""
EXAMPLES = """\
examples:
  byo unload penguins
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the name that it was loaded under")
    add_server(parser)


def run(options: argparse.Namespace) -> int:
    with Client(options.url, options.timeout) as client:
        unload_model(client, options.name)
    say(f"byo unload: {options.name} is unloaded")
    return 0
