"""``byo endpoint update``: give a running endpoint another container."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byo.cli.endpoint_options import ADDRESS, CONTAINER, add_container, add_port, options_given
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import seconds
from byo.command_errors import RequestFailed, UsageError
from byo.endpoint import Client
from byo.prerequisites import require_local

if TYPE_CHECKING:
    from byo.runtime.configuration import EndpointConfiguration

SUMMARY = "give an endpoint another container"
# A container may take 8 minutes to become healthy, and half a minute to stop.
UPDATE_SECONDS = 600.0
JSON = {"Content-Type": "application/json"}
DESCRIPTION = """\
Start another container for a variant of a running endpoint; once it is healthy the traffic moves to
it, and the old one gets SIGTERM, and SIGKILL 30 seconds later. Without options the same is started
anew. Where the new one can't be started, the old one goes on, and the command fails.

With --config all endpoints become what the file says, one variant after the other; where that is
what a variant is already, its container goes on.
"""
# Of a variant's configuration, what an update can't bring.
FIXED = ("name", "described_by")


def add_update(actions: Any, **shape: Any) -> None:
    """Add the action to those of `byo endpoint`."""
    parser = actions.add_parser("update", help=SUMMARY, description=DESCRIPTION, **shape)
    parser.set_defaults(act=update)
    parser.add_argument("--name", metavar="NAME", help="the endpoint's name")
    parser.add_argument("--variant", metavar="NAME", help="where there are several: which one")
    add_container(parser)
    parser.add_argument("--weight", type=float, metavar="W", help="the variant's new weight")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="what the endpoints are to be, as YAML: docs/local-endpoint.md",
    )
    add_port(parser)
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=UPDATE_SECONDS,
        metavar="SECONDS",
        help="how long each variant may take (default: %(default)g)",
    )


def update(options: argparse.Namespace) -> int:
    """Give endpoints of a running Runtime other containers."""
    wanted = list(_of_file(options) if options.config else _of_options(options))
    with Client(f"http://{ADDRESS}:{options.port}", options.timeout) as client:
        if options.config:
            _require_that_they_run(client, wanted, options.config)
        for each in wanted:
            say(f"byo endpoint: {_told(_asked(client, 'POST', '/-/update', each))}")
    return 0


def _of_options(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The update that the options ask for."""
    if not options.name:
        raise UsageError("--name is missing: which endpoint; or --config for all of a file")
    wanted: dict[str, Any] = {
        "endpoint": options.name,
        "model_data": _absolute(options.model or options.models),
        "multi_model": bool(options.models) if options.model or options.models else None,
        "image": options.image,
        "url": options.url,
        "memory": options.memory,
        "environment": dict(options.env) if options.env else None,
        "algorithm": str(options.algorithm.resolve()) if options.algorithm else None,
        "weight": options.weight,
        "variant": options.variant,
    }
    yield {key: value for key, value in wanted.items() if value is not None}


def _of_file(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """An update for each variant of the file."""
    require_local("byo endpoint")
    from byo.runtime.configuration_file import read_configuration

    given = options_given(options, "name", "variant", *CONTAINER, "weight")
    if given:
        raise UsageError(f"--config says what there is to be: leave {given[0]} out")
    for endpoint in read_configuration(options.config):
        yield from _of_endpoint(endpoint)


def _of_endpoint(endpoint: EndpointConfiguration) -> Iterator[dict[str, Any]]:
    # Weights that become 0 come last: at no time would all of them be.
    for variant in sorted(endpoint.variants, key=lambda one: one.weight == 0):
        fields = {key: value for key, value in asdict(variant).items() if key not in FIXED}
        if variant.algorithm:
            fields["algorithm"] = str(variant.algorithm)
        asynchronous = asdict(endpoint.asynchronous) if endpoint.asynchronous else None
        yield {
            "endpoint": endpoint.name,
            "variant": variant.name,
            "asynchronous": asynchronous,
            "keep_equal": True,
            **fields,
        }


def _require_that_they_run(client: Client, wanted: list[dict[str, Any]], file: Path) -> None:
    """Make sure that a file says nothing which an update can't bring, before any of it is done.

    Raises:
        UsageError: it names another endpoint or variant than those that run, or lacks one.
    """
    state = _asked(client, "GET", "/-/state")
    there = {
        (endpoint["name"], variant["name"])
        for endpoint in state["endpoints"]
        for variant in endpoint["variants"]
    }
    named = {(each["endpoint"], each["variant"]) for each in wanted}
    for found, what in ((named - there, "does not run"), (there - named, "runs, and is not in it")):
        for endpoint, variant in sorted(found):
            raise UsageError(
                f"{file}: endpoint {endpoint}, variant {variant} {what}: an update changes those "
                "that there are; for others start `byo endpoint up` anew"
            )


def _asked(client: Client, method: str, path: str, body: object = None) -> dict[str, Any]:
    """What the Runtime answers.

    Raises:
        RequestFailed: it refuses, and all stays as it was; or what listens there is no Runtime.
    """
    answer = client.request(method, path, json.dumps(body).encode() if body else b"", JSON)
    document = answer.document
    if document is None:
        raise RequestFailed(
            f"what listens at {client.url} is no `byo endpoint up`: it answers {method} {path} "
            f"with {answer.status}; name the right --port"
        )
    if not answer.ok:
        raise RequestFailed(document.get("Message") or answer.failure())
    return document


def _told(done: dict[str, Any]) -> str:
    """What an update has come to, in a line."""
    which = f"{done['endpoint']}, variant {done['variant']}"
    if not done["replaced"]:
        how = "changed" if done["changed"] else "as it was"
        return f"{which}: {how}; its container goes on"
    return (
        f"{which}: another container answers, after {done['seconds']:.1f} s; of "
        f"{done['under_way']} requests that the old one was at work on, it lost {done['lost']}"
    )


def _absolute(place: str | None) -> str | None:
    """A place as it is from any folder: the Runtime may run in another one."""
    return place if place is None or "://" in place else str(Path(place).resolve())
