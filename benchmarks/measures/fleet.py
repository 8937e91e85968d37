"""Many models on one multi-model endpoint, loaded and unloaded as SageMaker does it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.models import Model
from benchmarks.session import Session
from benchmarks.stacks.server import Server, StackFailed
from benchmarks.stacks.stack import Stack
from byo.endpoint import Client


class Fleet:
    """Copies of a model, each in a folder of its own, on one server.

    Args:
        client: of a multi-model server.
        model: what each is a copy of.
        folder: where the copies go.
        stack: the server's, which may need a file beside each.
    """

    _numbers: Iterator[int] = itertools.count()

    def __init__(self, client: Client, model: Model, folder: Path, stack: Stack) -> None:
        self._client = client
        self._model = model
        self._folder = folder
        self._stack = stack
        self.names: list[str] = []

    def folders(self, count: int) -> list[Path]:
        """New copies, not loaded yet."""
        numbers = itertools.islice(self._numbers, count)
        made = [self._model.copy(self._folder / f"model-{number}") for number in numbers]
        for folder in made:
            self._stack.complete(folder)
        return made

    def load(self, folder: Path) -> float:
        """Load a copy, under its folder's name; the seconds it took."""
        document = json.dumps({"model_name": folder.name, "url": str(folder)}).encode()
        start = time.perf_counter()
        answer = self._client.request(
            "POST", "/models", document, {"Content-Type": "application/json"}
        )
        taken = time.perf_counter() - start
        answer.require_ok()
        self.names.append(folder.name)
        return taken

    def ask(self, name: str) -> float:
        """Invoke a model; the seconds it took.

        Raises:
            StackFailed: the answer is wrong.
        """
        start = time.perf_counter()
        body = self._model.bodies[0].encode()
        answer = self._client.invoke(body, "text/csv", "text/csv", target_model=name)
        taken = time.perf_counter() - start
        if answer.require_ok().body.strip() != self._model.answers[0].encode():
            raise StackFailed(f"{self._client.url}: {name} answered {answer.body[:80]!r}")
        return taken

    def unload(self) -> None:
        """Unload all that are loaded."""
        while self.names:
            self._client.request("DELETE", f"/models/{self.names.pop()}").require_ok()


@contextmanager
def fleet_on(server: Server, session: Session) -> Iterator[Fleet]:
    """A fleet of small models on a server, over one connection that is kept."""
    with server.client() as client:
        yield Fleet(client, session.model("iris"), session.root / "fleet", server.stack)
