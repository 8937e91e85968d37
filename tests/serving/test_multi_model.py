"""The multi-model contract: LOAD, LIST, GET, INVOKE and UNLOAD, and models that can't load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.backend.processes import eventually
from tests.serving.conftest import FIXTURES, Server, make_tree, running, save_positional

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A multi-model server without models."""
    tree = make_tree(tmp_path_factory.mktemp("multi"))
    with running(tree, multi_model=True) as one:
        yield one


def load(server: Server, name: str, folder: Path) -> int:
    document = json.dumps({"model_name": name, "url": str(folder)}).encode()
    headers = {"Content-Type": "application/json"}
    return server.client.request("POST", "/models", document, headers).status


def unload(server: Server, name: str) -> int:
    return server.client.request("DELETE", f"/models/{name}").status


def listed(server: Server) -> dict[str, Any]:
    answer = json.loads(server.client.request("GET", "/models").body)
    return {model["modelName"]: model["modelUrl"] for model in answer["models"]}


def invoke(server: Server, name: str, body: bytes = b"2,0\n") -> tuple[int, bytes]:
    response = server.client.invoke(body, "text/csv", "text/csv", target_model=name)
    return response.status, response.body


def test_a_models_whole_life(server: Server, tmp_path: Path) -> None:
    """What SageMaker asks of a multi-model container, in its order."""
    folder = tmp_path / "a" / "model"
    save_positional(folder)

    assert invoke(server, "a")[0] == 404
    assert load(server, "a", folder) == 200
    assert load(server, "a", folder) == 409
    assert listed(server) == {"a": str(folder)}
    described = server.client.request("GET", "/models/a")
    assert json.loads(described.body)["modelUrl"] == str(folder)
    assert invoke(server, "a") == (200, b"1\n")
    assert unload(server, "a") == 200
    assert unload(server, "a") == 404
    assert server.client.request("GET", "/models/a").status == 404
    assert listed(server) == {}
    assert server.client.ping().status == 200


def test_models_do_not_see_each_other(server: Server, tmp_path: Path) -> None:
    """Two models whose modules have the same name each run their own."""
    for name in ("left", "right"):
        save_positional(tmp_path / name)
        (tmp_path / name / "code").mkdir()
        (tmp_path / name / "code" / "helper.py").write_text(f"NAME = '{name}'")
        source = "from helper import NAME\ndef predict_fn(data, model): return [NAME]"
        (tmp_path / name / "code" / "inference.py").write_text(source)
        assert load(server, name, tmp_path / name) == 200

    answers = [invoke(server, name) for name in ("left", "right", "left")]

    assert answers == [(200, b"left\n"), (200, b"right\n"), (200, b"left\n")]
    assert [unload(server, name) for name in ("left", "right")] == [200, 200]


@pytest.mark.parametrize(
    ("fixture", "status"),
    [
        ("raises_in_model_fn.py", 500),
        ("exits_on_import.py", 500),
        ("dies_on_import.py", 500),
        ("runs_out_of_memory.py", 507),
    ],
)
def test_a_model_that_cannot_load_fails_alone(
    server: Server, tmp_path: Path, fixture: str, status: int
) -> None:
    """LOAD says so, the model is not listed, the others go on, and it may be tried again."""
    save_positional(tmp_path / "good")
    save_positional(tmp_path / "bad")
    (tmp_path / "bad" / "code").mkdir()
    shutil.copy(FIXTURES / fixture, tmp_path / "bad" / "code" / "inference.py")
    assert load(server, "good", tmp_path / "good") == 200

    refused = load(server, "bad", tmp_path / "bad")

    assert refused == status
    eventually(lambda: list(listed(server)) == ["good"])  # it answers before it forgets the model
    assert invoke(server, "good") == (200, b"1\n")
    shutil.rmtree(tmp_path / "bad" / "code")
    assert load(server, "bad", tmp_path / "bad") == 200
    assert [unload(server, name) for name in ("good", "bad")] == [200, 200]


def test_user_code_that_ends_the_process_fails_each_load(server: Server, tmp_path: Path) -> None:
    """However soon it does: the frontend may not have connected by then, and is told all the same.

    It answers 409 for a moment after a LOAD has failed, as it forgets the model only then.
    """
    save_positional(tmp_path / "bad")
    (tmp_path / "bad" / "code").mkdir()
    shutil.copy(FIXTURES / "dies_on_import.py", tmp_path / "bad" / "code" / "inference.py")

    statuses = [load(server, "bad", tmp_path / "bad") for _ in range(50)]

    assert set(statuses) <= {500, 409}
    assert statuses.count(500) > 20
    eventually(lambda: listed(server) == {})


TENSORS = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [2, 0]}]}


@pytest.mark.parametrize("backend", ["own", "shared", "stock"])
def test_answers_in_tensors_name_their_model(tmp_path: Path, backend: str) -> None:
    """By the caller's name for it, else by the one it was loaded under; with a version if known."""
    plain, archived = tmp_path / "plain", tmp_path / "archived"
    for folder in (plain, archived):
        save_positional(folder)
    (archived / "MAR-INF").mkdir()
    manifest = {"model": {"modelName": "packed", "modelVersion": "1.2"}}
    (archived / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))
    named = []
    with running(make_tree(tmp_path), multi_model=True, BYO_BACKEND=backend) as server:
        assert load(server, "plain", plain) == load(server, "archived", archived) == 200
        for name, target in (("plain", None), ("plain", "plain.tar.gz"), ("archived", None)):
            headers = {"Content-Type": "application/json"}
            if target is not None:
                headers["X-Amzn-SageMaker-Target-Model"] = target
            body = json.dumps(TENSORS).encode()
            answer = server.client.request("POST", f"/models/{name}/invoke", body, headers)
            document = json.loads(answer.body)
            named.append((document["model_name"], document.get("model_version")))

    assert named == [("plain", None), ("plain", None), ("archived", "1.2")]


def test_a_single_models_answer_in_tensors_has_its_manifests_name(tmp_path: Path) -> None:
    """As multi-model-server's archiver wrote it."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    (tree.paths.model / "MAR-INF").mkdir()
    manifest = {"model": {"modelName": "packed", "modelVersion": 2}}
    (tree.paths.model / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))

    with running(tree) as server:
        document = json.loads(server.post(json.dumps(TENSORS), "application/json").body)

    assert (document["model_name"], document["model_version"]) == ("packed", "2")


def test_a_host_that_is_killed_before_it_has_started(tmp_path: Path) -> None:
    """LOAD is answered as for one that is killed later, not after the frontend's minute.

    In that minute a thread of the frontend's would wait, and all clients that it serves.
    """
    folder = tmp_path / "a"
    save_positional(folder)
    (folder / "kill").touch()
    killed = str(FIXTURES / "killed_before_it_started")

    with running(make_tree(tmp_path / "tree"), multi_model=True, PYTHONPATH=killed) as server:
        assert load(server, "a", folder) == 507
        assert eventually(lambda: load(server, "a", folder) == 200)
        assert invoke(server, "a") == (200, b"1\n")
