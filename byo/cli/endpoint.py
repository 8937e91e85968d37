"""``byo endpoint``: SageMaker's Runtime on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from byo.cli.endpoint_options import ADDRESS
from byo.cli.endpoint_record import add_record
from byo.cli.endpoint_up import add_up
from byo.cli.endpoint_update import add_update

DESCRIPTION = f"""\
SageMaker's Runtime on this machine. `byo endpoint up` answers on {ADDRESS} as the Runtime does in
AWS: boto3 and the SDK invoke an endpoint by its name, with SageMaker's headers, limits and errors.
Its container is the real `serve` of this machine, an image, or a server that runs already.
`byo endpoint update` gives it another container, without a request lost. `byo endpoint record`
stands before a server and records its invocations with their answers.
"""
EXAMPLES = """\
examples:
  byo endpoint up --name penguins --model .byo/model
  byo endpoint up --name penguins --model model.tar.gz --image byo --memory 2g
  byo endpoint up --name penguins --url http://127.0.0.1:8080    a server that runs already
  byo endpoint up --config endpoints.yaml            several, with production variants
  byo endpoint update --name penguins --model model-2.tar.gz
  byo endpoint record --url http://127.0.0.1:8080 --output invocations.jsonl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shape: dict[str, Any] = {
        "epilog": EXAMPLES,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    add_up(actions, **shape)
    add_update(actions, **shape)
    add_record(actions)


def run(options: argparse.Namespace) -> int:
    code: int = options.act(options)
    return code
