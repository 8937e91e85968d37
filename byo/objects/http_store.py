"""Objects behind HTTP, such as signed addresses of S3: they can be fetched, and nothing else."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, cast
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    UnknownHandler,
)

from byo.command_errors import UsageError
from byo.objects.object_store import (
    CHUNK_BYTES,
    NoAccess,
    NoSuchObject,
    ObjectInfo,
    ObjectsFailed,
    StoreUnreachable,
)
from byo.objects.whole_file import whole_file

# Until a connection is there, and between two pieces of an answer.
TIMEOUT_SECONDS = 60.0
ABSENT = (404, 410)
FORBIDDEN = (401, 403)
ONLY_FETCHED = "what is behind http can only be fetched, each object by its name"


class HttpStore:
    """The objects of one HTTP server.

    Args:
        url: the address of an object, which is asked for as it is, its query included, or of what
            lies above objects.

    Raises:
        UsageError: it is no http or https URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise UsageError(f"{url!r} is not a URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url!r} is not an http or https URL")
        self.key = unquote(parts.path).lstrip("/")
        self._url = parts._replace(fragment="").geturl()
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def address(self, key: str) -> str:
        return self._url if key == self.key else f"{self._origin}/{quote(key)}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._refuse(f"{self.address(prefix)} can't be listed")

    def fetch(self, key: str, to: Path) -> ObjectInfo:
        with self._opened(key) as (answer, shown):
            with whole_file(to) as file:
                size = sum(file.write(chunk) for chunk in _chunks(answer, shown))
            return ObjectInfo(key, size, (answer.headers.get("ETag") or "").strip('"'))

    def read(self, key: str) -> bytes:
        with self._opened(key) as (answer, shown):
            return b"".join(_chunks(answer, shown))

    def put(self, key: str, content: bytes | Path, content_type: str | None = None) -> str:
        self._refuse(f"{self.address(key)} can't be written")

    def _refuse(self, what: str) -> NoReturn:
        raise ObjectsFailed(f"{what}: {ONLY_FETCHED}; name a folder or an s3:// address")

    @contextmanager
    def _opened(self, key: str) -> Iterator[tuple[http.client.HTTPResponse, str]]:
        """An answer of 200, and the address to name in errors: its query may be a signature."""
        url = self.address(key)
        shown = url.partition("?")[0]
        try:
            answer = _opener().open(url, timeout=TIMEOUT_SECONDS)
        except HTTPError as error:
            error.close()
            raise _refused(error.code, shown) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StoreUnreachable(f"{shown} can't be reached: {reason}") from None
        with answer:
            yield cast(http.client.HTTPResponse, answer), shown


def _opener() -> OpenerDirector:
    """What opens http and https alone: the default opens file:// and ftp:// as well."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler, UnknownHandler, HTTPHandler, HTTPSHandler, HTTPRedirectHandler,
        HTTPDefaultErrorHandler, HTTPErrorProcessor,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener


def _refused(status: int, shown: str) -> ObjectsFailed:
    if status in ABSENT:
        return NoSuchObject(f"{shown}: there is no such object ({status})")
    if status in FORBIDDEN:
        return NoAccess(f"{shown}: access is refused ({status}); has a signed address expired?")
    kind = StoreUnreachable if status >= 500 else ObjectsFailed
    return kind(f"{shown}: the server answers with {status}")


def _chunks(answer: http.client.HTTPResponse, shown: str) -> Iterator[bytes]:
    """The body, piece by piece; all that was announced."""
    announced, size = answer.length, 0
    while True:
        try:
            chunk = answer.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnreachable(f"{shown} breaks off after {size} bytes: {error}") from None
        if not chunk:
            break
        size += len(chunk)
        yield chunk
    if announced is not None and size < announced:
        raise StoreUnreachable(f"{shown} breaks off after {size} of {announced} bytes")
