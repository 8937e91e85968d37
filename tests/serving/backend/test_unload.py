"""UNLOAD while invocations come: what was accepted is answered, what comes after it is 404."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from byo.command_errors import EndpointFailed, RequestFailed, RunFailed
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import eventually

pytestmark = pytest.mark.slow

Asked = Future[tuple[int, Any]]

CLIENTS = 4
TRIES = 6


@pytest.fixture(scope="module", params=["own", "shared"])
def one(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observed]:
    """A server of many models with two workers each, whichever process answers for them."""
    root = tmp_path_factory.mktemp(request.param)
    settings = {"BYO_BACKEND": request.param, "MODEL_SERVER_WORKERS": "2"}
    with observed(root, multi_model=True, **settings) as server:
        yield server


@pytest.fixture
def model(one: Observed, request: pytest.FixtureRequest) -> Path:
    """A model that is loaded."""
    name = request.node.name.partition("[")[0]
    folder = one.model(name, "waits_at_a_gate.py")
    assert one.load(folder) == 200
    return folder


def waiting(one: Observed, pool: ThreadPoolExecutor, folder: Path, name: str) -> Asked:
    """An invocation that its model is at, until the file of that name is there."""
    gate = folder / name
    asked = pool.submit(one.invoke, folder, f"wait for {gate}")
    eventually(gate.with_suffix(".begun").exists)
    return asked


def accepted_or_done(one: Observed, folder: Path, asked: list[Asked]) -> bool:
    """Whether all of these have come, as the server counts them."""
    with one.client() as client:
        text = client.request("GET", "/metrics").body.decode()
    figure = f'byo_invocations_in_flight{{model="{folder.name}"}} '
    (count,) = [float(line.removeprefix(figure)) for line in text.splitlines() if figure in line]
    return count + sum(each.done() for each in asked) >= len(asked)


def unloading(one: Observed, pool: ThreadPoolExecutor, folder: Path) -> Future[int]:
    """An UNLOAD that has come.

    An invocation that came before it is answered by the model, so a worker must be free for that.
    """
    unload = pool.submit(one.unload, folder)
    eventually(lambda: unload.done() or one.invoke(folder)[0] == 404)
    return unload


def refuses(one: Observed) -> bool:
    """Whether nobody can connect any more."""
    with one.client(seconds=5) as client, suppress(RequestFailed):
        try:
            client.ping()
        except EndpointFailed:
            return True
    return False


def listed(one: Observed) -> set[str]:
    with one.client() as client:
        answer = json.loads(client.request("GET", "/models").body)
    return {model["modelName"] for model in answer["models"]}


def ask_until(one: Observed, folder: Path, over: threading.Event) -> Counter[str]:
    """Invoke a model without a pause; the statuses, or what else an answer says."""
    seen: Counter[str] = Counter()
    with one.client(seconds=20) as client:
        while not over.is_set():
            try:
                response = client.invoke(b"hello", "text/csv", target_model=folder.name)
            except RunFailed as error:
                seen[str(error)] += 1
                continue
            is_loading = response.status == 503 and b"No worker is available" in response.body
            expected = response.status in {200, 404} or is_loading
            seen[str(response.status) if expected else response.failure()] += 1
    return seen


def test_under_load(one: Observed, model: Path) -> None:
    """As SageMaker does it without a cache: unloaded and loaded again while others ask.

    The frontend's own 503 is for a model that has begun to load.
    """
    over = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(ask_until, one, model, over) for _ in range(CLIENTS)]
        try:
            for _ in range(TRIES):
                eventually(lambda: one.invoke(model)[0] == 200)
                assert (one.unload(model), one.load(model)) == (200, 200)
        finally:
            over.set()
        statuses = sum((each.result() for each in asking), Counter[str]())

    assert {"200", "404"} <= set(statuses) <= {"200", "404", "503"}
    assert one.unload(model) == 200


def assert_accepted_are_answered(one: Observed, model: Path) -> None:
    """What is under way and what waits for its turn; then the model is gone."""
    with ThreadPoolExecutor(CLIENTS + 2) as pool:
        accepted = [waiting(one, pool, model, "gate")]
        accepted += [pool.submit(one.invoke, model, "hello") for _ in range(CLIENTS)]
        eventually(lambda: accepted_or_done(one, model, accepted))
        unload = unloading(one, pool, model)

        assert not unload.done()
        assert one.invoke(model)[0] == 404
        (model / "gate").touch()

        assert [each.result()[0] for each in accepted] == [200] * (1 + CLIENTS)
        assert unload.result() == 200
    assert one.invoke(model)[0] == 404
    assert model.name not in listed(one)


def test_what_was_accepted_is_answered(one: Observed, model: Path) -> None:
    """Whichever process is at it."""
    assert_accepted_are_answered(one, model)


def test_what_the_stock_worker_has_accepted_is_answered(tmp_path: Path) -> None:
    """It is the frontend that forgets them, so its own worker is no better off."""
    settings = {"BYO_BACKEND": "stock", "MODEL_SERVER_WORKERS": "2"}
    with observed(tmp_path, multi_model=True, **settings) as one:
        folder = one.model("stock", "waits_at_a_gate.py")
        assert one.load(folder) == 200
        assert_accepted_are_answered(one, folder)


def test_what_would_change_the_model_waits(one: Observed, model: Path) -> None:
    """Another UNLOAD is told that it has gone, once it has; a LOAD loads it again."""
    with ThreadPoolExecutor(4) as pool:
        accepted = waiting(one, pool, model, "gate")
        first = unloading(one, pool, model)
        second = pool.submit(one.unload, model)
        (model / "gate").touch()

        assert accepted.result()[0] == 200
        assert [first.result(), second.result()] == [200, 404]

        assert one.load(model) == 200
        accepted = waiting(one, pool, model, "other")
        unload = unloading(one, pool, model)
        load = pool.submit(one.load, model)
        (model / "other").touch()

        assert accepted.result()[0] == 200
        assert [unload.result(), load.result()] == [200, 200]
    assert one.invoke(model)[0] == 200
    assert one.unload(model) == 200


def test_a_client_that_does_not_wait_for_its_unload(one: Observed, model: Path) -> None:
    """The model is unloaded nevertheless, after what is under way."""
    with ThreadPoolExecutor(1) as pool:
        accepted = waiting(one, pool, model, "gate")
        with one.client(seconds=0.5) as client, pytest.raises(RunFailed):
            client.request("DELETE", f"/models/{model.name}")
        assert one.invoke(model)[0] == 404
        (model / "gate").touch()

        assert accepted.result()[0] == 200
    eventually(lambda: model.name not in listed(one))
    assert one.load(model) == 200
    assert one.unload(model) == 200


def test_while_its_workers_change(one: Observed, model: Path) -> None:
    """Both are answered, and the model is gone."""
    with ThreadPoolExecutor(2) as pool, one.client() as client:
        scaling = pool.submit(
            client.request, "PUT", f"/models/{model.name}?min_worker=4&synchronous=true"
        )
        unload = pool.submit(one.unload, model)

        assert unload.result() == 200
        assert scaling.result().status in {200, 210, 404, 500}
    assert model.name not in listed(one)


def test_invocations_that_wait_for_a_load_which_fails(one: Observed) -> None:
    """They are answered when it has failed; the frontend forgets them."""
    folder = one.model("fails-later", "fails_when_told.py")
    with ThreadPoolExecutor(2) as pool:
        load = pool.submit(one.load, folder)
        eventually((folder / "begun").exists)
        asked = pool.submit(one.invoke, folder)
        with pytest.raises(TimeoutError):
            asked.result(timeout=1)
        (folder / "go").touch()

        assert load.result() >= 500
        assert asked.result()[0] >= 500
    eventually(lambda: folder.name not in listed(one))


def test_an_unload_does_not_wait_for_ever(tmp_path: Path) -> None:
    """What nobody answers is answered with 503 then: here the model is still being loaded."""
    with (
        observed(tmp_path, multi_model=True, SAGEMAKER_MODEL_SERVER_TIMEOUT="1") as one,
        ThreadPoolExecutor(2) as pool,
    ):
        folder = one.model("loads-for-ever", "loads_when_told.py")
        load = pool.submit(one.load, folder)
        eventually((folder / "begun").exists)
        asked = pool.submit(one.invoke, folder)
        eventually(lambda: accepted_or_done(one, folder, [asked]))

        assert one.unload(folder) == 200

        status, answer = asked.result()
        assert (status, "is being unloaded" in answer["detail"]) == (503, True)
        assert load.result() >= 400
        assert folder.name not in listed(one)


def test_a_server_that_stops_during_an_unload(tmp_path: Path) -> None:
    """Both are answered before it ends."""
    with (
        # With one worker an invocation that came before the UNLOAD would wait for the gate as well.
        observed(tmp_path, multi_model=True, MODEL_SERVER_WORKERS="2") as one,
        ThreadPoolExecutor(2) as pool,
    ):
        folder = one.model("stopped", "waits_at_a_gate.py")
        assert one.load(folder) == 200
        accepted = waiting(one, pool, folder, "gate")
        unload = unloading(one, pool, folder)

        one.processes.supervisor().terminate()
        eventually(lambda: refuses(one))
        (folder / "gate").touch()

        assert accepted.result()[0] == 200
        assert unload.result() == 200
