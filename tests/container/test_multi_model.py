"""`docker run IMAGE serve` with SAGEMAKER_MULTI_MODEL: LOAD, LIST, GET, INVOKE and UNLOAD."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byo.endpoint import Client, Response
from contract import Paths
from tests.container.engine import Container, listing, mount, serving, settings
from tests.container.models import AS_CSV, PENGUINS, named, with_code
from tests.serving.conftest import FIXTURES

STORE = "/opt/ml/models"
DEADLINE, POLL_SECONDS = 20.0, 0.02
# SageMaker names a model by a hash of its key, and unpacks it into a folder of that name.
HASH = "5e4c1c8a21a84a7d0a3b9b71b1f0c2de"


@dataclass(frozen=True)
class Endpoint:
    """A multi-model container, and the folder of this machine that it sees as /opt/ml/models."""

    one: Container
    store: Path
    client: Client

    def load(self, name: str, url: str | None = None) -> Response:
        document = {"model_name": name, "url": url or f"{STORE}/{name}/model"}
        headers = {
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-Target-Model": f"{name}.tar.gz",
        }
        return self.client.request("POST", "/models", json.dumps(document).encode(), headers)

    def unload(self, name: str) -> Response:
        return self.client.request("DELETE", f"/models/{name}")

    def invoke(self, name: str, body: bytes = PENGUINS) -> tuple[int, bytes]:
        answer = self.client.invoke(body, "text/csv", "text/csv", target_model=name)
        return answer.status, answer.body

    def listed(self, query: str = "") -> dict[str, Any]:
        return json.loads(self.client.request("GET", f"/models{query}").require_ok().body)

    def names(self) -> list[str]:
        return sorted(model["modelName"] for model in self.listed()["models"])

    def until_listed(self, *names: str) -> None:
        """Wait until these are the models: one that failed to load is dropped after the answer."""
        deadline = time.monotonic() + DEADLINE
        while (there := self.names()) != [*names]:
            assert time.monotonic() < deadline, f"the models are {there}, not {names}"
            time.sleep(POLL_SECONDS)

    def processes_of(self, name: str) -> list[str]:
        """The processes in the container that work in a model's folder, or are told to."""
        script = (
            "for p in /proc/[0-9]*; do "
            'echo "$(readlink $p/cwd) $(tr "\\0" " " <$p/cmdline 2>/dev/null)"; done'
        )
        lines = self.one.execute("sh", "-c", script).splitlines()
        return [line for line in lines if f"{STORE}/{name}/" in line]


@pytest.fixture(scope="module")
def running(
    image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Container, Path]]:
    """A container without models, the models' folder mounted as SageMaker mounts it."""
    store = tmp_path_factory.mktemp("models")
    options = [*mount(store, STORE, read_only=True), *settings(SAGEMAKER_MULTI_MODEL="true")]
    with serving(image, *options, ask=listing) as one:
        yield one, store


@pytest.fixture
def endpoint(running: tuple[Container, Path]) -> Iterator[Endpoint]:
    """The container with no model loaded, before and after the test."""
    one, store = running
    with one.client() as client:
        endpoint = Endpoint(one, store, client)
        yield endpoint
        for name in endpoint.names():
            endpoint.unload(name)


@pytest.fixture
def two(endpoint: Endpoint, trained: Paths) -> Iterator[Endpoint]:
    """Two models on disk, each of which answers its name."""
    for name in ("left", "right"):
        named(trained, endpoint.store / name / "model", name)
    yield endpoint
    for name in ("left", "right"):
        shutil.rmtree(endpoint.store / name)


def test_a_models_whole_life(endpoint: Endpoint, trained: Paths) -> None:
    """What SageMaker asks of a multi-model container, in its order."""
    shutil.copytree(trained.model, endpoint.store / HASH / "model")
    url = f"{STORE}/{HASH}/model"

    assert endpoint.invoke(HASH)[0] == 404
    assert endpoint.load(HASH).status == 200
    assert endpoint.load(HASH).status == 409
    assert endpoint.listed()["models"] == [{"modelName": HASH, "modelUrl": url}]
    described = json.loads(endpoint.client.request("GET", f"/models/{HASH}").body)
    described = described[0] if isinstance(described, list) else described
    assert (described["modelName"], described["modelUrl"]) == (HASH, url)
    assert endpoint.invoke(HASH) == (200, AS_CSV)
    assert endpoint.client.ping().status == 200
    assert endpoint.unload(HASH).status == 200
    assert endpoint.unload(HASH).status == 404
    assert endpoint.client.request("GET", f"/models/{HASH}").status == 404
    assert endpoint.invoke(HASH)[0] == 404
    assert endpoint.listed()["models"] == []
    assert endpoint.client.ping().status == 200


def test_an_unloaded_model_leaves_nothing(two: Endpoint) -> None:
    """When UNLOAD has been answered, its processes are gone; a model may come back."""
    two.load("left").require_ok()
    assert two.processes_of("left") != []

    two.unload("left").require_ok()

    assert two.processes_of("left") == []
    assert two.load("left").status == 200
    assert two.invoke("left") == (200, b"left\n")


def test_models_run_their_own_code(two: Endpoint) -> None:
    """Modules of the same name do not meet."""
    assert [two.load(name).status for name in ("left", "right")] == [200, 200]

    answers = [two.invoke(name) for name in ("left", "right", "left")]

    assert answers == [(200, b"left\n"), (200, b"right\n"), (200, b"left\n")]


def test_the_list_comes_in_pages(two: Endpoint) -> None:
    """By limit and token, each model once, until there is no token."""
    for name in ("left", "right"):
        two.load(name).require_ok()
    pages, query = [], "?limit=1"
    while query and len(pages) < 5:
        page = two.listed(query)
        pages.append([model["modelName"] for model in page["models"]])
        token = page.get("nextPageToken")
        query = f"?limit=1&next_page_token={token}" if token else ""

    assert sorted(name for page in pages for name in page) == ["left", "right"]
    assert all(len(page) <= 1 for page in pages)


def test_many_are_loaded_invoked_and_unloaded_at_once(two: Endpoint) -> None:
    """As with ModelCacheSetting Disabled: loads of some while others are invoked and unloaded."""

    def life(name: str) -> list[object]:
        with two.one.client() as client:
            own = Endpoint(two.one, two.store, client)
            url = f"{STORE}/{name.partition('-')[0]}/model"
            done: list[object] = [own.load(name, url).status]
            done += [own.invoke(name) for _ in range(5)]
            return [*done, own.unload(name).status]

    names = ["left-1", "right-1", "left-2", "right-2"]
    with ThreadPoolExecutor(len(names)) as clients:
        lives = list(clients.map(life, names))

    for name, done in zip(names, lives, strict=True):
        answer = f"{name.partition('-')[0]}\n".encode()
        assert done == [200, *[(200, answer)] * 5, 200]


@pytest.mark.parametrize(
    ("fixture", "status"),
    [
        ("raises_in_model_fn.py", 500),
        ("dies_on_import.py", 500),
        ("runs_out_of_memory.py", 507),
    ],
)
def test_a_model_that_cannot_load_fails_alone(
    two: Endpoint, trained: Paths, fixture: str, status: int
) -> None:
    """LOAD says so, it is not listed, the others go on, and once mended it may be loaded."""
    two.load("left").require_ok()
    bad = with_code(trained, two.store / fixture / "model", {"inference.py": FIXTURES / fixture})

    refused = two.load(fixture)

    assert refused.status == status
    two.until_listed("left")
    assert two.invoke("left") == (200, b"left\n")
    assert two.client.ping().status == 200
    (bad / "code" / "inference.py").unlink()
    assert two.load(fixture).status == 200


def test_a_model_that_is_not_there_is_refused(endpoint: Endpoint) -> None:
    """The folder is missing: an error of the request, and nothing is left of it."""
    refused = endpoint.load("absent")

    assert 400 <= refused.status < 500
    assert endpoint.names() == []


def test_a_model_may_lie_one_folder_deeper(endpoint: Endpoint, trained: Paths) -> None:
    """An artifact packed together with its folder."""
    shutil.copytree(trained.model, endpoint.store / "deep" / "model" / "penguins")

    loaded = endpoint.load("deep", f"{STORE}/deep/model/penguins")

    assert loaded.status == 200
    assert endpoint.invoke("deep") == (200, AS_CSV)


def test_a_stop_ends_with_code_0(image: str, trained: Paths, tmp_path: Path) -> None:
    """SIGTERM with models loaded."""
    named(trained, tmp_path / "left" / "model", "left")
    options = [*mount(tmp_path, STORE, read_only=True), *settings(SAGEMAKER_MULTI_MODEL="true")]
    with serving(image, *options, ask=listing) as one, one.client() as client:
        Endpoint(one, tmp_path, client).load("left").require_ok()

        code = one.stop()

    assert code == 0
