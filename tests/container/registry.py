"""A registry of images: as much of the OCI distribution protocol as `docker push` speaks."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Registry:
    """What was pushed.

    Args:
        address: host and port, with which the names of its images begin.
        blobs: layers and configurations, by digest.
        manifests: media type and content, by repository and tag.
    """

    address: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)

    def manifest(self, repository: str, tag: str) -> dict[str, Any]:
        """A manifest, as JSON."""
        return json.loads(self.manifests[repository, tag][1])

    def configuration(self, repository: str, tag: str) -> dict[str, Any]:
        """The configuration that a manifest names: environment, labels, platform."""
        return json.loads(self.blobs[self.manifest(repository, tag)["config"]["digest"]])


@contextmanager
def registry() -> Iterator[Registry]:
    """An empty registry on a free port of 127.0.0.1, which docker trusts without TLS."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.registry = Registry(f"127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
        server.uploads = {}  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.registry  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name, kind, reference = self._path()
        if not kind:
            self._answer(200)
        elif kind == "blobs" and reference in self._registry.blobs:
            self._answer(200, self._registry.blobs[reference], "application/octet-stream")
        elif kind == "manifests" and (name, reference) in self._registry.manifests:
            media_type, content = self._registry.manifests[name, reference]
            self._answer(200, content, media_type)
        else:
            self._answer(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        """Begin an upload."""
        name, _, _ = self._path()
        upload = uuid.uuid4().hex
        self._uploads[upload] = b""
        self._answer(202, location=f"/v2/{name}/blobs/uploads/{upload}")

    def do_PATCH(self) -> None:
        """Take a piece of an upload."""
        upload = self._path()[2]
        self._uploads[upload] += self._body()
        end = len(self._uploads[upload]) - 1
        self._answer(202, location=urlsplit(self.path).path, range_=f"0-{end}")

    def do_PUT(self) -> None:
        """Finish an upload, or take a manifest."""
        name, kind, reference = self._path()
        content = self._body()
        if kind == "blobs":
            content = self._uploads.pop(reference) + content
            (digest,) = parse_qs(urlsplit(self.path).query)["digest"]
            self._registry.blobs[digest] = content
        else:
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            media_type = self.headers["Content-Type"]
            for known in (reference, digest):
                self._registry.manifests[name, known] = media_type, content
        self._answer(201, digest=digest, location=urlsplit(self.path).path)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    @property
    def _registry(self) -> Registry:
        return self.server.registry  # type: ignore[attr-defined]

    @property
    def _uploads(self) -> dict[str, bytes]:
        return self.server.uploads  # type: ignore[attr-defined]

    def _path(self) -> tuple[str, str, str]:
        """Repository, what is asked for, and its tag, digest or upload."""
        parts = urlsplit(self.path).path.removeprefix("/v2/").strip("/").split("/")
        for kind in ("blobs", "manifests"):
            if kind in parts:
                at = parts.index(kind)
                return "/".join(parts[:at]), kind, parts[-1]
        return "", "", ""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(
        self,
        status: int,
        content: bytes = b"",
        media_type: str = "application/json",
        *,
        location: str = "",
        digest: str = "",
        range_: str = "",
    ) -> None:
        digest = digest or f"sha256:{hashlib.sha256(content).hexdigest()}"
        headers = {"Location": location, "Docker-Content-Digest": digest, "Range": range_}
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
