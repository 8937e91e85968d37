"""Objects behind HTTP: fetched by their address, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from byo.objects import NoAccess, NoSuchObject, ObjectsFailed, StoreUnreachable, store_of

CONTENT = bytes(range(256)) * 5000


class Handler(BaseHTTPRequestHandler):
    """Answers by the path, which is noted as it came."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        path = self.path.partition("?")[0]
        status = {"/gone": 410, "/secret": 403, "/broken": 503, "/moved": 302}.get(path, 200)
        if path.startswith("/none"):
            status = 404
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "file:///etc/passwd" if "?" in self.path else "/whole")
        self.send_header("ETag", '"abc"')
        self.send_header("Content-Length", str(len(CONTENT) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(CONTENT[: 1000 if path == "/cut" else None])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server."""
    handler = type("OfOneTest", (Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_object_by_its_address(url: str, tmp_path: Path) -> None:
    """Read and fetched, the query of a signed address with it, which no message shows."""
    store, key = store_of(f"{url}/a%20folder/whole?X-Amz-Signature=1%2F2")

    assert key == "a folder/whole"
    assert store.read(key) == CONTENT
    info = store.fetch(key, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert (info.size, info.etag) == (len(CONTENT), "abc")
    signed, key = store_of(f"{url}/none?X-Amz-Signature=secret")
    with pytest.raises(NoSuchObject) as failed:
        signed.read(key)
    assert str(failed.value) == f"{url}/none: there is no such object (404)"


def test_objects_below_an_address(url: str) -> None:
    """By their keys, which are encoded."""
    store, prefix = store_of(f"{url}/models/")

    assert prefix == "models/"
    assert store.address("models/a b?.tar.gz") == f"{url}/models/a%20b%3F.tar.gz"
    assert store.read("models/a b?.tar.gz") == CONTENT


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("none", NoSuchObject, "there is no such object (404)"),
        ("gone", NoSuchObject, "there is no such object (410)"),
        ("secret", NoAccess, "access is refused (403)"),
        ("broken", StoreUnreachable, "the server answers with 503"),
        ("cut", StoreUnreachable, f"breaks off after 1000 of {len(CONTENT)} bytes"),
    ],
)
def test_what_can_not_be_had(
    url: str, tmp_path: Path, path: str, kind: type[ObjectsFailed], text: str
) -> None:
    """Says what and where, and leaves no file."""
    store, key = store_of(f"{url}/{path}")

    with pytest.raises(kind) as failed:
        store.fetch(key, tmp_path / "x")
    assert type(failed.value) is kind
    assert text in str(failed.value)
    assert f"{url}/{path}" in str(failed.value)
    assert list(tmp_path.iterdir()) == []


def test_redirections_lead_to_http_alone(url: str) -> None:
    """And never to a file of this machine."""
    store, key = store_of(f"{url}/moved")
    assert store.read(key) == CONTENT

    store, key = store_of(f"{url}/moved?to=file")
    with pytest.raises(ObjectsFailed):
        store.read(key)


def test_nobody_there() -> None:
    """The address is named."""
    store, key = store_of("http://127.0.0.1:1/x")

    with pytest.raises(StoreUnreachable, match=r"http://127\.0\.0\.1:1/x can't be reached"):
        store.read(key)


def test_no_lists_and_no_writing(url: str) -> None:
    """Refused, with what can do it."""
    store, key = store_of(f"{url}/models/")

    with pytest.raises(ObjectsFailed, match="can't be listed: what is behind http can only be"):
        list(store.list(key))
    with pytest.raises(ObjectsFailed, match=r"can't be written: .* name a folder or an s3://"):
        store.put(f"{key}x", b"")
