"""The same expectations of our own backend and of multi-model-server's stock workers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.serving.backend.processes import eventually
from tests.serving.conftest import Server, Tree, make_tree, running, save_mixed, save_positional

pytestmark = [pytest.mark.slow, pytest.mark.portable]

BACKENDS = ("own", "stock")
TIMEOUT = 2


@dataclass(frozen=True)
class Answer:
    """An answer as HTTP has it, its body read as JSON."""

    status: int
    reason: str
    headers: Any
    body: Any


@dataclass(frozen=True)
class Backend:
    """A server of one worker, on a backend."""

    server: Server
    tree: Tree

    def ask(self, body: str, **headers: str) -> Answer:
        address = urlsplit(self.server.client.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        try:
            typed = {"Content-Type": "text/csv", **headers}
            connection.request("POST", "/invocations", body.encode(), typed)
            response = connection.getresponse()
            document = json.loads(response.read())
            return Answer(response.status, response.reason, response.headers, document)
        finally:
            connection.close()

    def log(self) -> str:
        return self.server.log.read_text(errors="replace")


@pytest.fixture(scope="module", params=BACKENDS)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """Each backend, with code that uses the context."""
    tree = make_tree(tmp_path_factory.mktemp(request.param)).inference("uses_the_context.py")
    save_positional(tree.paths.model)
    settings = {"MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_TIMEOUT": str(TIMEOUT)}
    with running(tree, BYO_BACKEND=request.param, **settings) as server:
        yield Backend(server, tree)


def test_a_request_as_the_context_shows_it(backend: Backend) -> None:
    """Its headers, its id, and the model it is for."""
    first, second = (backend.ask("hello", **{"X-Number": number}) for number in "12")

    expected = {"model": "model", "folder": str(backend.tree.paths.model), "type": "text/csv"}
    assert first.body.items() >= {**expected, "header": "1"}.items()
    assert second.body.items() >= {**expected, "header": "2"}.items()
    assert first.body["id"] != second.body["id"]


def test_an_answer_as_the_context_was_told(backend: Backend) -> None:
    """A status, a phrase, a header and a content type of the user's own."""
    answer = backend.ask("hello", **{"X-Number": "7"})

    assert (answer.status, answer.reason) == (202, "Taken")
    assert answer.headers["X-Answer"] == "answer 7"
    assert answer.headers["Content-Type"] == "application/vnd.answer+json"


def test_what_user_code_says_is_in_the_log(backend: Backend) -> None:
    """What it prints and what it logs; what it measures goes another way."""
    backend.ask("the log")

    for line in ("printed for the log", "logged for the log"):
        eventually(lambda line=line: line in backend.log())
    assert "[METRICS]" not in backend.log()


def test_code_that_never_ends_is_504(backend: Backend) -> None:
    """Where it can be interrupted, the process lives on."""
    before = backend.ask("hello").body["pid"]

    answer = backend.ask("endless in Python")

    assert (answer.status, answer.body["status"]) == (504, 504)
    assert backend.ask("hello").body["pid"] == before


def test_code_that_cannot_be_interrupted_is_ended(backend: Backend) -> None:
    """Its process is replaced, and the log shows where it was stuck."""
    before = backend.ask("hello").body["pid"]

    answer = backend.ask("endless in C")

    assert answer.status >= 500
    assert eventually(lambda: backend.ask("hello").body.get("pid")) != before
    eventually(lambda: "in predict_fn" in backend.log())


@pytest.mark.parametrize("name", BACKENDS)
def test_rows_and_errors_are_the_same(tmp_path: Path, name: str) -> None:
    """A model of named columns without any code: what it answers, and what it refuses."""
    tree = make_tree(tmp_path)
    save_mixed(tree.paths.model)
    with running(tree, BYO_BACKEND=name, MODEL_SERVER_WORKERS="1") as server:
        answers = [
            server.post("mass,island\n1,Dream\n9,Biscoe\n"),
            server.post('[{"island": "Dream", "mass": 1}]', "application/json"),
            server.post("Dream,heavy\n"),
            server.post("Dream,1\n", "image/png"),
            server.post("Dream,1\n", Accept="image/png"),
        ]

    assert [answer.status for answer in answers] == [200, 200, 422, 415, 406]
    assert [answer.body for answer in answers[:2]] == [b'["small","large"]', b'["small"]']
