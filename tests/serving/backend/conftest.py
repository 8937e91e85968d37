"""Servers whose processes the tests look into, and the models they serve."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from byo.endpoint import Client
from tests.serving.backend.processes import AS_FIRST_PROCESS, Processes, await_end, eventually
from tests.serving.conftest import FIXTURES, Server, Tree, make_tree, running, save_positional


@dataclass(frozen=True)
class Observed:
    """A server, its tree and its processes."""

    server: Server
    tree: Tree
    processes: Processes
    temp: Path

    @property
    def log(self) -> str:
        return self.server.log.read_text(errors="replace")

    def client(self, seconds: float = 70.0) -> Client:
        """Another connection, for another thread."""
        return Client(self.server.client.url, seconds)

    def model(self, name: str, fixture: str | None = "tells_its_process.py") -> Path:
        """The folder of a new model, with a fixture as its code."""
        folder = self.tree.root / "models" / name
        save_positional(folder)
        if fixture is not None:
            (folder / "code").mkdir()
            shutil.copy(FIXTURES / fixture, folder / "code" / "inference.py")
        return folder

    def load(self, folder: Path) -> int:
        """LOAD, as SageMaker asks for it; the status."""
        document = json.dumps({"model_name": folder.name, "url": str(folder)}).encode()
        headers = {"Content-Type": "application/json"}
        with self.client() as client:
            return client.request("POST", "/models", document, headers).status

    def unload(self, folder: Path) -> int:
        with self.client() as client:
            return client.request("DELETE", f"/models/{folder.name}").status

    def invoke(
        self, folder: Path | None = None, body: str = "hello", seconds: float = 70.0
    ) -> tuple[int, Any]:
        """An invocation of one of many models, or of the only one; status and answer."""
        name = folder.name if folder else None
        with self.client(seconds) as client:
            response = client.invoke(body.encode(), "text/csv", target_model=name)
        return response.status, json.loads(response.body)

    def answering(self, folder: Path | None = None) -> int:
        """The process that answers; after a death the first answers may tell of that."""

        def asked() -> int:
            status, answer = self.invoke(folder)
            return int(answer[0]) if status == 200 else 0

        return eventually(asked)


@contextmanager
def observed(
    root: Path, *, multi_model: bool, fixture: str = "tells_its_process.py", **settings: str
) -> Iterator[Observed]:
    """A server whose every process and file has gone when the block has ended.

    Raises:
        AssertionError: there was anything after the end.
    """
    tree = make_tree(root)
    temp = root / "tmp"
    temp.mkdir()
    if not multi_model:
        save_positional(tree.inference(fixture).paths.model)
    processes = Processes(tree)
    environ = {**AS_FIRST_PROCESS, "TMPDIR": str(temp), **settings}
    with running(tree, multi_model=multi_model, **environ) as server:
        yield Observed(server, tree, processes, temp)
        everything = processes.all()
        for one in everything:
            if "handler.serve.command" in one.cmdline():
                one.terminate()
        assert_nothing_is_left(processes, everything, temp)


def assert_nothing_is_left(
    processes: Processes, everything: list[psutil.Process], temp: Path
) -> None:
    """Every process has ended by itself, and the scratch folder is gone, when this returns."""
    await_end(everything)
    # What was forked as the list was made dies a moment after its parent.
    eventually(lambda: processes.all() == [], seconds=10)
    eventually(lambda: not any(temp.iterdir()))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """A server of many models, two workers each."""
    root = tmp_path_factory.mktemp("many")
    with observed(root, multi_model=True, MODEL_SERVER_WORKERS="2") as one:
        yield one


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """A server of one model with two workers."""
    root = tmp_path_factory.mktemp("single")
    with observed(root, multi_model=False, MODEL_SERVER_WORKERS="2") as one:
        yield one
