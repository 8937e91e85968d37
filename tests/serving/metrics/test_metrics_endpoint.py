"""`GET /metrics` of real servers: one model, many, every backend, and processes that die."""

from __future__ import annotations

import functools
import http.client
import itertools
import json
import operator
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from byo.endpoint import Client
from tests.serving.backend.processes import Processes, eventually
from tests.serving.conftest import FIXTURES, Server, Tree, make_tree, running, save_positional
from tests.serving.metrics.reading import Series, never_down, scraped, summed, value

pytestmark = pytest.mark.slow

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
MEASURES = """
def input_fn(body, content_type, context):
    headers = context.get_all_request_header(0)
    context.metrics.add_counter("rows seen", 2)
    context.metrics.add_time("wait", 1500)
    return sorted(name.lower() for name in headers)

def predict_fn(data, model, context):
    return [name for name in data if "byo" in name] or ["none"]
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Tree]]:
    """A server of many models; two of them have names of their own in the metrics."""
    tree = make_tree(tmp_path_factory.mktemp("many"))
    with running(tree, multi_model=True, BYO_METRICS_MODELS="2") as one:
        yield one, tree


def folder_of(tree: Tree, name: str, code: str | None = None) -> Path:
    folder = tree.root / "models" / name
    save_positional(folder)
    if code is not None:
        (folder / "code").mkdir()
        (folder / "code" / "inference.py").write_text(code)
    return folder


def load(client: Client, folder: Path) -> int:
    document = json.dumps({"model_name": folder.name, "url": str(folder)}).encode()
    headers = {"Content-Type": "application/json"}
    return client.request("POST", "/models", document, headers).status


def ask(client: Client, name: str | None = None, body: bytes = b"2,0\n") -> int:
    return client.invoke(body, "text/csv", target_model=name).status


def has_answers(found: Series, number: int, **labels: str) -> bool:
    return summed(found, "byo_invocations_total", **labels) == number


def test_many_models(many: tuple[Server, Tree]) -> None:
    """Each answer is counted once, whoever gave it; a model that goes and comes goes on."""
    server, tree = many
    client = server.client
    folders = [folder_of(tree, "a"), folder_of(tree, "b", MEASURES), folder_of(tree, "c")]
    broken = folder_of(tree, "broken", (FIXTURES / "raises_in_model_fn.py").read_text())
    assert [load(client, one) for one in folders] == [200] * 3
    assert load(client, broken) == 500

    assert [ask(client, "a") for _ in range(9)] == [200] * 9
    assert ask(client, "a", b"no number\n") in (400, 422)
    seen = [client.invoke(b"1", "text/csv", "text/csv", target_model="b").body for _ in range(7)]
    assert seen == [b"none\n"] * 7  # no header of ours is seen by user code
    assert [ask(client, "c") for _ in range(2)] == [200] * 2
    assert {ask(client, f"unknown-{number}") for number in range(5)} == {404}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.request("POST", "/predictions/a", b"a=1", form).status == 415
    first = scraped(client)

    assert value(first, "byo_invocations_total", model="a", code="200") == 9
    assert value(first, "byo_invocations_total", model="a", code="415") == 1
    assert summed(first, "byo_invocations_total", model="a") == 11
    assert value(first, "byo_invocations_total", model="b", code="200") == 7
    assert value(first, "byo_invocations_total", model="other", code="200") == 2
    assert value(first, "byo_invocations_total", model="", code="404") == 5
    for stage in ("queue", "decode", "predict", "encode"):
        name = "byo_invocation_seconds_count"
        assert value(first, name, model="a", stage=stage) == 9 + (stage in ("queue", "decode"))
    assert value(first, "byo_batch_rows_sum", model="a") == 9
    assert summed(first, "byo_invocations_in_flight") == 0
    assert value(first, "byo_models_loaded") == 3
    assert summed(first, "byo_model_loads_total", outcome="loaded") == 3
    assert summed(first, "byo_model_loads_total", outcome="failed") == 1
    assert value(first, "byo_model_load_seconds_count") == 3
    assert value(first, "byo_model_memory_bytes", model="a") > 1e6
    assert value(first, "byo_user_rows_seen_total", model="b") == 14
    assert value(first, "byo_user_wait_seconds_sum", model="b") == 10.5
    assert value(first, "byo_user_wait_seconds_count", model="b") == 7
    assert summed(first, "byo_build_info") == 1

    assert client.request("DELETE", "/models/a").status == 200
    eventually(lambda: value(scraped(client), "byo_models_loaded") == 2)
    gone = scraped(client)
    assert never_down(first, gone) == []
    assert load(client, folders[0]) == 200
    assert ask(client, "a") == 200
    again = scraped(client)
    assert never_down(gone, again) == []
    assert value(again, "byo_invocations_total", model="a", code="200") == 10
    assert value(again, "byo_invocation_seconds_count", model="a", stage="predict") == 10


def test_how_it_is_asked(many: tuple[Server, Tree]) -> None:
    """By GET alone, in both formats; no line of the log tells of it; it is no invocation."""
    server, _ = many
    before = scraped(server.client)
    opened = scraped(server.client, OPENMETRICS)
    answers = [server.client.request(method, "/metrics") for method in ("POST", "PUT", "DELETE")]
    connection = http.client.HTTPConnection(urlsplit(server.client.url).netloc, timeout=30)
    connection.request("GET", "/metrics", headers={"Connection": "close"})
    closed = connection.getresponse()
    text = closed.read().decode()
    after = scraped(server.client)

    assert closed.status == 200
    assert closed.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE byo_invocations_total counter\n" in text
    assert [one.status for one in answers] == [405] * 3
    assert opened.keys() >= before.keys()
    assert summed(before, "byo_invocations_total") == summed(after, "byo_invocations_total")
    assert '"GET /metrics' not in server.log.read_text()


@pytest.mark.parametrize("backend", ["own", "shared", "stock"])
def test_one_model(tmp_path: Path, backend: str) -> None:
    """Several workers and callers at a time, on every backend."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    settings = {"MODEL_SERVER_WORKERS": "2", "BYO_BACKEND": backend}
    with running(tree, **settings) as server:

        def call(number: int) -> list[int]:
            with Client(server.client.url, 60) as client:
                return [ask(client) for _ in range(10)]

        with ThreadPoolExecutor(8) as pool:
            statuses = functools.reduce(operator.iadd, pool.map(call, range(8)), [])
        found = scraped(server.client)

    assert statuses == [200] * 80
    assert value(found, "byo_invocations_total", model="model", code="200") == 80
    name = "byo_invocation_seconds_count"
    for stage in ("queue", "decode", "predict", "encode"):
        assert value(found, name, model="model", stage=stage) == 80
    assert 0 < summed(found, "byo_invocation_seconds_sum") < 80 * 60
    assert value(found, "byo_batch_rows_sum", model="model") == 80
    assert value(found, "byo_models_loaded") == 1
    assert value(found, "byo_model_memory_bytes", model="model") > 1e6
    assert summed(found, "byo_model_loads_total", outcome="loaded") >= 1


def test_processes_that_end_take_nothing_with_them(tmp_path: Path) -> None:
    """A killed worker, a model loaded anew, and a killed fork server: no sum goes down."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    with running(tree, MODEL_SERVER_WORKERS="2") as server:
        processes, client = Processes(tree), server.client
        answered = 0

        def answer(number: int) -> None:
            nonlocal answered
            with Client(client.url, 60) as one:
                while number:
                    status = ask(one)
                    answered += 1
                    number -= status == 200

        answer(20)
        seen = [scraped(client)]
        worker = next(one for host in processes.hosts() for one in host.children())
        worker.kill()
        eventually(
            lambda: value(scraped(client), "byo_worker_restarts_total", reason="killed") == 1
        )
        answer(20)
        seen.append(scraped(client))
        processes.supervisor().send_signal(signal.SIGHUP)
        eventually(lambda: "has been loaded anew" in server.log.read_text())
        answer(20)
        seen.append(scraped(client))
        processes.fork_server().kill()
        eventually(
            lambda: value(scraped(client), "byo_worker_restarts_total", reason="fork_server") == 1
        )
        answer(20)
        seen.append(scraped(client))

    assert [never_down(*two) for two in itertools.pairwise(seen)] == [[], [], []]
    assert has_answers(seen[-1], answered)
    assert value(seen[-1], "byo_invocation_seconds_count", model="model", stage="encode") >= 80
    assert value(seen[-1], "byo_model_loads_total", model="model", outcome="loaded") == 3


def test_off_and_a_server_that_stands_still(tmp_path: Path) -> None:
    """Off is told as such; and where `serve` does not answer, who asks is not left waiting."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    with running(tree, BYO_METRICS="off") as server:
        answer = server.client.request("GET", "/metrics")
        assert answer.status == 404
        assert b"BYO_METRICS=off" in answer.body
        assert ask(server.client) == 200
    with running(tree, SAGEMAKER_MODEL_SERVER_VMARGS="-Dbyo.metrics.wait=1") as server:
        supervisor = Processes(tree).supervisor()
        supervisor.suspend()
        try:
            answer = server.client.request("GET", "/metrics")
            assert ask(server.client) == 200
        finally:
            supervisor.resume()
        assert answer.status == 503
        assert b"`serve`" in answer.body
        assert value(scraped(server.client), "byo_models_loaded") == 1
