"""``byo models``: what a multi-model server has loaded."""

from __future__ import annotations

import argparse

from byo.cli.progress_and_colour import say_table
from byo.cli.server_options import add_server
from byo.endpoint import Client
from byo.endpoint.managed_models import list_models

DESCRIPTION = """\
List the models that a multi-model server has loaded, and the folder that each came from.
"""
EXAMPLES = """\
examples:
  byo models
  byo models --url http://127.0.0.1:9000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_server(parser)


def run(options: argparse.Namespace) -> int:
    with Client(options.url, options.timeout) as client:
        models = list_models(client)
    say_table(["model", "loaded from"], [(model.name, model.url) for model in models])
    return 0
