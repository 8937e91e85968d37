"""``byo invoke``: one request to a running server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from byo.cli.server_options import add_server
from byo.command_errors import RequestFailed, UsageError
from byo.content_types import guess_content_type
from byo.endpoint import Client

# What the frontend says where nothing names one of many models.
NO_TARGET = b"Parameter model_name is required"

DESCRIPTION = """\
Send a file's bytes as one invocation and write the answer's bytes to stdout, unchanged.
An answer other than 2xx is one line on stderr, with the row and the column at fault.
"""
EXAMPLES = """\
examples:
  byo invoke algorithm/sample/payload.csv
  byo invoke rows.parquet --accept text/csv > predictions.csv
  echo '[[5.1, 3.5, 1.4, 0.2]]' | byo invoke - --content-type application/json
  byo invoke rows.csv --target-model tenant-7 --url http://127.0.0.1:9000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the request's body; - for stdin")
    parser.add_argument(
        "--content-type", metavar="T", help="the body's type (default: by the file's ending)"
    )
    parser.add_argument("--accept", metavar="T", help="the answer's type (default: the server's)")
    parser.add_argument(
        "--target-model", metavar="NAME", help="a model of a multi-model server, by its name"
    )
    add_server(parser)


def run(options: argparse.Namespace) -> int:
    body, content_type = read_payload(options.file, options.content_type)
    with Client(options.url, options.timeout) as client:
        answer = client.invoke(body, content_type, options.accept, options.target_model)
    if not answer.ok and NO_TARGET in answer.body:
        raise RequestFailed(
            "the server has several models: name one with --target-model; `byo models` lists them"
        )
    sys.stdout.buffer.write(answer.require_ok().body)
    sys.stdout.buffer.flush()
    return 0


def read_payload(file: str, content_type: str | None) -> tuple[bytes, str]:
    """A request's body and its content type.

    Raises:
        UsageError: the file can't be read, or its content type is not known.
    """
    if file == "-":
        if content_type is None:
            raise UsageError("the content type of stdin is not known: name it with --content-type")
        return sys.stdin.buffer.read(), content_type
    known = content_type or guess_content_type(Path(file))
    try:
        return Path(file).read_bytes(), known
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from None
