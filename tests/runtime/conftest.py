"""Stub containers and Runtimes for the tests of this folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from tests.runtime.running import LoopThread, RunningRuntime, running_runtime
from tests.runtime.stub_container import StubContainer


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
def start_stub(loop: LoopThread) -> Iterator[Callable[..., StubContainer]]:
    """Start a stub container."""
    started = []

    def start(name: str = "stub", port: int = 0, **options: Any) -> StubContainer:
        stub: StubContainer = loop.call(lambda: StubContainer(name, **options))
        loop.run(stub.start(port))
        started.append(stub)
        return stub

    yield start
    for stub in started:
        loop.call(stub.release.set)
        loop.run(stub.stop())


@pytest.fixture
def stub(start_stub: Callable[..., StubContainer]) -> StubContainer:
    return start_stub()


@pytest.fixture
def settings(tmp_path: Path) -> RuntimeSettings:
    return RuntimeSettings(tmp_path / "runtime")


@pytest.fixture
def runtime(
    loop: LoopThread, settings: RuntimeSettings, stub: StubContainer
) -> Iterator[RunningRuntime]:
    """A Runtime with one endpoint, ``birds``, whose container is the stub."""
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),))
    with running_runtime(loop, settings, birds) as running:
        yield running


@pytest.fixture(scope="module")
def runtime_once(
    loop: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRuntime]:
    """The same, once for all tests of a module that change nothing of it."""
    stub: StubContainer = loop.call(StubContainer)
    loop.run(stub.start())
    birds = EndpointConfiguration("birds", (VariantConfiguration(url=stub.url),))
    with running_runtime(loop, RuntimeSettings(tmp_path_factory.mktemp("r")), birds) as running:
        yield running
    loop.run(stub.stop())


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The bucket ``inputs`` of what S3's client is told is S3: it can be read."""
    folder = tmp_path / "s3" / "inputs"
    folder.mkdir(parents=True)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path / "s3")
    )
    server.daemon_threads = True
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "any")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder
    server.shutdown()
    thread.join(20)
    server.server_close()
