"""``byo endpoint update``: give a running endpoint another container."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from byo.cli.endpoint_options import ADDRESS, add_container, add_port
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import seconds
from byo.command_errors import RequestFailed
from byo.endpoint import Client

SUMMARY = "give an endpoint another container"
# A container may take 8 minutes to become healthy, and half a minute to stop.
UPDATE_SECONDS = 600.0
JSON = {"Content-Type": "application/json"}
DESCRIPTION = """\
Start another container for a variant of a running endpoint; once it is healthy the traffic moves to
it, and the old one gets SIGTERM, and SIGKILL 30 seconds later. Without options the same is started
anew. Where the new one can't be started, the old one goes on, and the command fails.
"""


def add_update(actions: Any, **shape: Any) -> None:
    """Add the action to those of `byo endpoint`."""
    parser = actions.add_parser("update", help=SUMMARY, description=DESCRIPTION, **shape)
    parser.set_defaults(act=update)
    parser.add_argument("--name", metavar="NAME", required=True, help="the endpoint's name")
    parser.add_argument("--variant", metavar="NAME", help="where there are several: which one")
    add_container(parser)
    parser.add_argument("--weight", type=float, metavar="W", help="the variant's new weight")
    add_port(parser)
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=UPDATE_SECONDS,
        metavar="SECONDS",
        help="how long it may take (default: %(default)g)",
    )


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


def _absolute(place: str | None) -> str | None:
    """A place as it is from any folder: the Runtime may run in another one."""
    return place if place is None or "://" in place else str(Path(place).resolve())
