"""``byo endpoint record``: stand before a server, and record its invocations."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byo.cli.errors_to_exit_codes import say
from byo.cli.options import seconds
from byo.command_errors import EndpointFailed
from byo.endpoint.client import DEFAULT_URL
from byo.prerequisites import require_module

if TYPE_CHECKING:
    from byo.recorded import Recording

ADDRESS = "127.0.0.1"
PORT = 9001
# An asynchronous invocation may take an hour.
TIMEOUT_SECONDS = 3600.0

SUMMARY = "record the invocations of a server with their answers"
DESCRIPTION = """\
Pass every request on to a server that runs, and write each invocation with its answer to a file:
bodies as they are, the headers that decide what is answered, and how long it took. Credentials,
cookies and addresses are not written. Clients ask the proxy in place of the server; Ctrl-C ends it.
`byo replay` sends what was recorded to another server and compares the answers.
"""
EXAMPLES = """\
examples:
  byo endpoint record --url http://127.0.0.1:8080 --output invocations.jsonl
  byo endpoint record --url http://127.0.0.1:8080 --output invocations.jsonl --port 9002
"""


def add_record(actions: Any) -> None:
    """Add the action to those of `byo endpoint`."""
    parser = actions.add_parser(
        "record",
        help=SUMMARY,
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(act=record)
    parser.add_argument(
        "--url", default=DEFAULT_URL, help="the server that is recorded (default: %(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="a file that is not there yet"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=PORT,
        metavar="N",
        help="where clients ask; 0 for any that is free (default: %(default)s)",
    )
    parser.add_argument(
        "--address", default=ADDRESS, metavar="A", help="of the port (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long an answer may take (default: %(default)g)",
    )


def record(options: argparse.Namespace) -> int:
    """Record until a signal ends it.

    Raises:
        UsageError: the file is there already.
        EndpointFailed: the port is taken.
    """
    require_module("aiohttp", "'byo[local]'")
    from byo.recorded import Recording

    with Recording(options.output, options.url) as recording:
        asyncio.run(_record(recording, options))
    say(f"recorded {recording.count} invocations in {options.output}")
    return 0


async def _record(recording: Recording, options: argparse.Namespace) -> None:
    from byo.recorded.recording_proxy import recording_proxy

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        async with recording_proxy(
            recording, options.address, options.port, options.timeout
        ) as url:
            say(f"recording {options.url} in {options.output}: ask {url}")
            await ended.wait()
    except OSError as error:
        raise EndpointFailed(
            f"port {options.port} of {options.address} can't be had: {error.strerror}"
        ) from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 (any free one) to 65535")
    return int(text)
