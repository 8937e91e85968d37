"""``byo endpoint up``: run endpoints in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byo.cli.endpoint_options import (
    ADDRESS,
    CONTAINER,
    PORT,
    add_container,
    add_port,
    options_given,
)
from byo.cli.errors_to_exit_codes import say
from byo.cli.own_tree import own_tree
from byo.command_errors import UsageError
from byo.prerequisites import require_local

if TYPE_CHECKING:
    from byo.runtime.configuration import EndpointConfiguration, RuntimeSettings
    from byo.runtime.invocations import RuntimeState

SUMMARY = "run endpoints until Ctrl-C"
DESCRIPTION = f"""\
Run endpoints in the foreground; Ctrl-C stops them and all that they started.

Clients find them by AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=http://{ADDRESS}:{PORT}, or by the argument
endpoint_url of boto3.client. GET /metrics tells Prometheus what is invoked, GET /-/state a program.
"""


def add_up(actions: Any, **shape: Any) -> None:
    """Add the action to those of `byo endpoint`."""
    parser = actions.add_parser("up", help=SUMMARY, description=DESCRIPTION, **shape)
    parser.set_defaults(act=up)
    parser.add_argument("--name", metavar="NAME", help="the endpoint's name")
    add_container(parser)
    parser.add_argument(
        "--async-output",
        metavar="PLACE",
        help="where invoke_endpoint_async leaves its answers: a folder, or s3://BUCKET/PREFIX",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="endpoints and their production variants, as YAML: docs/local-endpoint.md",
    )
    add_port(parser)
    parser.add_argument(
        "--max-body",
        type=_megabytes,
        default=6.0,
        metavar="MB",
        help="the largest body of an invocation (default: %(default)g, as AWS documents)",
    )


def up(options: argparse.Namespace) -> int:
    """Run endpoints until a signal stops them."""
    require_local("byo endpoint")
    run_endpoints(_configurations(options), options.port, options.max_body)
    return 0


def run_endpoints(
    configurations: Sequence[EndpointConfiguration], port: int, max_body: float
) -> None:
    """Run endpoints until a signal stops them.

    Args:
        configurations: what they are.
        port: where to answer; 0 for any free one.
        max_body: megabytes that the body of an invocation may have.
    """
    import uvloop

    from byo.runtime.configuration import RuntimeSettings
    from byo.runtime.serve_runtime import listen, serve_until_signal
    from byo.runtime.wire_errors import MEGABYTE, Place

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    listening = listen(ADDRESS, port)
    port = listening.getsockname()[1]
    settings = RuntimeSettings(
        folder=(own_tree() / f"endpoints-{port}").resolve(),
        max_body=int(max_body * MEGABYTE),
        place=Place(region) if region else Place(),
    )
    shutil.rmtree(settings.folder, ignore_errors=True)  # what a killed one on this port has left
    _log_to_stderr()
    uvloop.run(
        serve_until_signal(
            configurations, settings, listening, lambda state: _tell(state, port, settings)
        )
    )


def _configurations(options: argparse.Namespace) -> list[EndpointConfiguration]:
    from byo.runtime.configuration import (
        AsyncConfiguration,
        EndpointConfiguration,
        VariantConfiguration,
    )
    from byo.runtime.configuration_file import read_configuration

    given = options_given(options, "name", *CONTAINER, "async_output")
    if options.config:
        if given:
            raise UsageError(f"--config says what there is: leave {given[0]} out")
        return read_configuration(options.config)
    if not options.name:
        raise UsageError("--name is missing: what clients call the endpoint by")
    if options.model and options.models:
        raise UsageError("--model is one, --models are many: leave one of the two out")
    if not (options.model or options.models or options.url):
        raise UsageError("there is nothing to serve: name --model, --models or --url")
    variant = VariantConfiguration(
        model_data=options.model or options.models,
        multi_model=bool(options.models),
        image=options.image,
        url=options.url,
        memory=options.memory,
        environment=dict(options.env or ()),
        algorithm=options.algorithm,
    )
    output = options.async_output
    asynchronous = AsyncConfiguration(output, output) if output else None
    return [EndpointConfiguration(options.name, (variant,), asynchronous)]


def _tell(state: RuntimeState, port: int, settings: RuntimeSettings) -> None:
    url = f"http://{ADDRESS}:{port}"
    say(f"byo endpoint: {', '.join(state.endpoints)} in service on {url}")
    say(f"byo endpoint: {url}/ shows them, and has a form to try an invocation")
    say(f"byo endpoint: logs of containers are in {settings.folder}")
    say(f"byo endpoint: for clients: export AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME={url}")


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("byo endpoint: %(levelname)s: %(message)s"))
    for name in ("byo", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        logger.propagate = False


def _megabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of MB up to 1024")
    return value
