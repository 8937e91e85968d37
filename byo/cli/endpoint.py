"""``byo endpoint``: SageMaker's Runtime on this machine."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byo.cli.endpoint_record import add_record
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import seconds
from byo.cli.own_tree import own_tree
from byo.command_errors import RequestFailed, UsageError
from byo.endpoint import Client
from byo.prerequisites import require_local

if TYPE_CHECKING:
    from byo.runtime.configuration import EndpointConfiguration, RuntimeSettings
    from byo.runtime.invocations import RuntimeState

ADDRESS = "127.0.0.1"
PORT = 9000
UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
# A container may take 8 minutes to become healthy, and half a minute to stop.
UPDATE_SECONDS = 600.0
JSON = {"Content-Type": "application/json"}

DESCRIPTION = f"""\
SageMaker's Runtime on this machine. `byo endpoint up` answers on {ADDRESS} as the Runtime does in
AWS: boto3 and the SDK invoke an endpoint by its name, with SageMaker's headers, limits and errors.
Its container is the real `serve` of this machine, an image, or a server that runs already.
`byo endpoint update` gives it another container, without a request lost. `byo endpoint record`
stands before a server and records its invocations with their answers.
"""
UP = f"""\
Run endpoints in the foreground; Ctrl-C stops them and all that they started.

Clients find them by AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=http://{ADDRESS}:{PORT}, or by the argument
endpoint_url of boto3.client. GET /metrics tells Prometheus what is invoked, GET /-/state a program.
"""
UPDATE = """\
Start another container for a variant of a running endpoint; once it is healthy the traffic moves to
it, and the old one gets SIGTERM, and SIGKILL 30 seconds later. Without options the same is started
anew. Where the new one can't be started, the old one goes on, and the command fails.
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
    _add_up(actions.add_parser("up", help="run endpoints until Ctrl-C", description=UP, **shape))
    _add_update(
        actions.add_parser(
            "update", help="give an endpoint another container", description=UPDATE, **shape
        )
    )
    add_record(actions)


def run(options: argparse.Namespace) -> int:
    code: int = options.act(options)
    return code


def _add_up(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(act=up)
    parser.add_argument("--name", metavar="NAME", help="the endpoint's name")
    _add_container(parser)
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
    _add_port(parser)
    parser.add_argument(
        "--max-body",
        type=_megabytes,
        default=6.0,
        metavar="MB",
        help="the largest body of an invocation (default: %(default)g, as AWS documents)",
    )


def _add_update(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(act=update)
    parser.add_argument("--name", metavar="NAME", required=True, help="the endpoint's name")
    parser.add_argument("--variant", metavar="NAME", help="where there are several: which one")
    _add_container(parser)
    parser.add_argument("--weight", type=float, metavar="W", help="the variant's new weight")
    _add_port(parser)
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=UPDATE_SECONDS,
        metavar="SECONDS",
        help="how long it may take (default: %(default)g)",
    )


def _add_container(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        metavar="PLACE",
        help="the model: a folder, a file such as model.joblib, a model.tar.gz, or the s3:// "
        "address of one",
    )
    parser.add_argument(
        "--models",
        metavar="PLACE",
        help="many models, each a model.tar.gz in this folder or below this s3:// prefix: clients "
        "name one by TargetModel",
    )
    parser.add_argument("--image", metavar="IMAGE", help="run it in a container of this image")
    parser.add_argument("--url", metavar="URL", help="use a server that runs already")
    parser.add_argument(
        "--memory", type=_bytes, metavar="SIZE", help="what the container may take: 512m, 2g"
    )
    parser.add_argument(
        "--algorithm",
        type=Path,
        metavar="DIR",
        help="the folder whose inference.py serves a model that brings none",
    )


def _add_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help="the port (default: %(default)s)"
    )


def up(options: argparse.Namespace) -> int:
    """Run endpoints until a signal stops them."""
    require_local("byo endpoint")
    import uvloop

    from byo.runtime.configuration import RuntimeSettings
    from byo.runtime.serve_runtime import listen, serve_until_signal
    from byo.runtime.wire_errors import MEGABYTE, Place

    configurations = _configurations(options)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    listening = listen(ADDRESS, options.port)
    port = listening.getsockname()[1]
    settings = RuntimeSettings(
        folder=(own_tree() / f"endpoints-{port}").resolve(),
        max_body=int(options.max_body * MEGABYTE),
        place=Place(region) if region else Place(),
    )
    shutil.rmtree(settings.folder, ignore_errors=True)  # what a killed one on this port has left
    _log_to_stderr()
    uvloop.run(
        serve_until_signal(
            configurations, settings, listening, lambda state: _tell(state, port, settings)
        )
    )
    return 0


def update(options: argparse.Namespace) -> int:
    """Give an endpoint of a running Runtime another container."""
    wanted: dict[str, Any] = {
        "model_data": _absolute(options.model or options.models),
        "multi_model": bool(options.models) if options.model or options.models else None,
        "image": options.image,
        "url": options.url,
        "memory": options.memory,
        "algorithm": str(options.algorithm.resolve()) if options.algorithm else None,
        "weight": options.weight,
        "variant": options.variant,
    }
    body = {key: value for key, value in wanted.items() if value is not None}
    with Client(f"http://{ADDRESS}:{options.port}", options.timeout) as client:
        answer = client.request(
            "POST", "/-/update", json.dumps({"endpoint": options.name, **body}).encode(), JSON
        )
    document = json.loads(answer.body)
    if not answer.ok:
        raise RequestFailed(document.get("Message") or answer.failure())
    say(f"byo endpoint: {_told(document)}")
    return 0


def _told(done: dict[str, Any]) -> str:
    """What an update has come to, in a line."""
    which = f"{done['endpoint']}, variant {done['variant']}"
    if not done["replaced"]:
        return f"{which}: changed; its container goes on"
    return (
        f"{which}: another container answers, after {done['seconds']:.1f} s; of "
        f"{done['under_way']} requests that the old one was at work on, it lost {done['lost']}"
    )


def _configurations(options: argparse.Namespace) -> list[EndpointConfiguration]:
    from byo.runtime.configuration import (
        AsyncConfiguration,
        EndpointConfiguration,
        VariantConfiguration,
    )
    from byo.runtime.configuration_file import read_configuration

    single = ("name", "model", "models", "image", "url", "memory", "algorithm", "async_output")
    given = [f"--{each.replace('_', '-')}" for each in single if getattr(options, each)]
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
        algorithm=options.algorithm,
    )
    output = options.async_output
    asynchronous = AsyncConfiguration(output, output) if output else None
    return [EndpointConfiguration(options.name, (variant,), asynchronous)]


def _tell(state: RuntimeState, port: int, settings: RuntimeSettings) -> None:
    url = f"http://{ADDRESS}:{port}"
    say(f"byo endpoint: {', '.join(state.endpoints)} in service on {url}")
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


def _absolute(place: str | None) -> str | None:
    """A place as it is from any folder: the Runtime may run in another one."""
    return place if place is None or "://" in place else str(Path(place).resolve())


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 (any free one) to 65535")
    return int(text)


def _megabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of MB up to 1024")
    return value


def _bytes(text: str) -> int:
    number, unit = text[:-1], text[-1:].lower()
    if unit.isdigit():
        number, unit = text, ""
    if not number.isdecimal() or unit not in UNITS or not int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512m or 2g")
    return int(number) * UNITS[unit]
