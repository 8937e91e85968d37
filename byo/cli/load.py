"""``byo load``: load a model into a multi-model server."""

from __future__ import annotations

import argparse

from byo.cli.errors_to_exit_codes import say
from byo.cli.server_options import add_server
from byo.endpoint import Client
from byo.endpoint.managed_models import load_model

DESCRIPTION = """\
Load a model directory into a multi-model server under a name, as SageMaker does.
"""
EXAMPLES = """\
examples:
  byo load penguins .byo/model
  byo load tenant-7 /opt/ml/models/tenant-7     as a server in a container sees it
  byo invoke rows.csv --target-model penguins
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the model is invoked by")
    parser.add_argument("directory", metavar="DIR", help="the model directory")
    add_server(parser)


def run(options: argparse.Namespace) -> int:
    with Client(options.url, options.timeout) as client:
        load_model(client, options.name, options.directory)
    say(f"byo load: {options.name} is loaded")
    return 0
