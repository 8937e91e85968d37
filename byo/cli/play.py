"""``byo play``: a form in the browser for a server that runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from byo.cli.endpoint_options import port_number
from byo.cli.endpoint_up import run_endpoints
from byo.command_errors import UsageError
from byo.endpoint.client import DEFAULT_URL
from byo.prerequisites import require_local
from contract.signature import FILE_NAME

NAME = "play"
PORT = 9001
MAX_BODY_MB = 100.0

DESCRIPTION = f"""\
Show a page with a form to invoke a server that runs already: ours, or any SageMaker container. The
form has a field for each column where --model names a folder with a {FILE_NAME}, as training
leaves one; else it takes a body as it is typed. It shows the same request for curl and boto3.
"""
EXAMPLES = """\
examples:
  byo play --model .byo/model                   what `byo serve` serves on port 8080
  byo play --url http://127.0.0.1:9090
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", default=DEFAULT_URL, metavar="URL", help="the server (default: %(default)s)"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help=f"the folder of its model on this machine, for its {FILE_NAME}",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        default=PORT,
        metavar="N",
        help="the page's port (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    require_local("byo play")
    from byo.runtime.configuration import EndpointConfiguration, VariantConfiguration

    if options.model and not (options.model / FILE_NAME).is_file():
        raise UsageError(f"{options.model} has no {FILE_NAME}: leave --model out to type a body")
    variant = VariantConfiguration(url=options.url, described_by=options.model)
    run_endpoints([EndpointConfiguration(NAME, (variant,))], options.port, MAX_BODY_MB)
    return 0
