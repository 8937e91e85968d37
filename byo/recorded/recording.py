r"""The file of a recording: JSON lines, the first what was recorded, then an invocation each.

    {"recording": 1, "url": "http://127.0.0.1:8080", "started": "2026-01-31T12:00:00Z"}
    {"at": 0.5, "seconds": 0.003, "request": {"method": "POST", "path": "/invocations",
     "headers": {"content-type": "text/csv"}, "body": "1,2\n"},
     "answer": {"status": 200, "headers": {"content-type": "text/csv"}, "body": "0\n"}}

A body that is no text in UTF-8 is under ``base64`` in place of ``body``. Headers are those that
decide what is answered; what may be a secret is not among them.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from byo.command_errors import UsageError

VERSION = 1
# Beside all that begins with SAGEMAKER: credentials, cookies and addresses are not among them.
KEPT_HEADERS = {"content-type", "content-encoding", "accept", "accept-encoding"}
SAGEMAKER = "x-amzn-sagemaker-"


@dataclass(frozen=True)
class RecordedAnswer:
    """What a server answered.

    Args:
        status: as a number.
        headers: those that are kept, names in lower case.
        body: the bytes.
        seconds: how long it took.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(frozen=True)
class Invocation:
    """One invocation and its answer.

    Args:
        number: its place in the recording, from 1.
        at: seconds from the recording's start to its own.
        method: POST as a rule.
        path: with the query.
        headers: those that are kept, names in lower case.
        body: the bytes.
        answer: what the recorded server answered.
    """

    number: int
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    answer: RecordedAnswer


def kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that decide what is answered, names in lower case; the first of each."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in KEPT_HEADERS or lower.startswith(SAGEMAKER):
            found.setdefault(lower, value)
    return found


@dataclass
class Recording(AbstractContextManager["Recording"]):
    """A recording that is being written; each invocation is in the file as soon as it is added.

    Only its owner may read the file: bodies are what clients sent.

    Args:
        file: a file that is not there yet.
        url: of the server that is recorded.
        count: how many invocations it has.

    Raises:
        UsageError: the file is there, or can't be written.
    """

    file: Path
    url: str
    count: int = 0
    _stream: IO[bytes] = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        try:
            descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UsageError(f"{self.file} is there already: name another file") from None
        except OSError as error:
            raise UsageError(f"{self.file} can't be written: {error.strerror}") from None
        self._stream = os.fdopen(descriptor, "wb", buffering=0)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._write({"recording": VERSION, "url": self.url, "started": started})

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, invocation: Invocation) -> None:
        """Write one more invocation."""
        answer = invocation.answer
        document = {
            "at": round(invocation.at, 6),
            "seconds": round(answer.seconds, 6),
            "request": {
                "method": invocation.method,
                "path": invocation.path,
                "headers": dict(invocation.headers),
                **_body_as_json(invocation.body),
            },
            "answer": {
                "status": answer.status,
                "headers": dict(answer.headers),
                **_body_as_json(answer.body),
            },
        }
        with self._lock:
            self._write(document)
            self.count += 1

    def _write(self, document: dict[str, Any]) -> None:
        line = memoryview(json.dumps(document, ensure_ascii=False).encode() + b"\n")
        while line:
            line = line[self._stream.write(line) :]


def read_recording(file: Path) -> Iterator[Invocation]:
    """The invocations of a recording, in the order in which they were answered.

    Raises:
        UsageError: the file can't be read, or a line of it is no invocation.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines):
                try:
                    yield from _read(number, json.loads(line))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise UsageError(
                        f"{file}, line {number + 1} is no invocation that was recorded: "
                        f"{type(error).__name__}: {error}"
                    ) from None
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from None


def _read(number: int, document: dict[str, Any]) -> Iterator[Invocation]:
    if number == 0:
        if document["recording"] != VERSION:
            raise ValueError(f"version {document['recording']} is not read here, {VERSION} is")
        return
    request, answer = document["request"], document["answer"]
    yield Invocation(
        number,
        document["at"],
        request["method"],
        request["path"],
        request["headers"],
        _body_from_json(request),
        RecordedAnswer(
            answer["status"], answer["headers"], _body_from_json(answer), document["seconds"]
        ),
    )


def _body_as_json(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _body_from_json(part: dict[str, str]) -> bytes:
    if "body" in part:
        return part["body"].encode()
    return base64.b64decode(part["base64"], validate=True)
