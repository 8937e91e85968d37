"""Many clients at once against one real worker: each answer is the one to its own request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from byo.endpoint import Client
from contract.settings import ServingSettings
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import PROBLEM_TYPE, Request, Response
from tests.serving.backend import asking, pipelines
from tests.serving.conftest import make_tree, running, save_mixed

pytestmark = pytest.mark.slow

CLIENTS = 32
REQUESTS_EACH = 25


def save_linear(model_dir: Path) -> None:
    joblib.dump(LinearRegression().fit(pipelines.X, pipelines.FIGURES), model_dir / "model.joblib")


def mixed_requests() -> Iterator[Request]:
    """Rows of an island and a mass, one or many, in unlike forms, and some that are refused."""
    names = ["island", "mass"]
    encoders = [asking.as_csv, asking.as_json, asking.as_instances]
    encoders += [asking.as_records(names), asking.as_named_csv(names)]
    for number in range(40):
        islands = ["Dream" if (number + n) % 3 else "Biscoe" for n in range(1 + number % 4)]
        rows = [[island, (7 * number + n) % 10] for n, island in enumerate(islands)]
        yield Request(*encoders[number % 5](rows), ("application/json", "text/csv")[number % 2])
    for body in (b"Dream,\n", b"Dream,1,2\n", b"\xff", b"", b"Dream,heavy\n"):
        yield Request(body, "text/csv")
    yield Request(b"Dream,1\n", "image/png")
    yield Request(b"Dream,1\n", "text/csv", "image/png")


def linear_requests() -> Iterator[Request]:
    """Rows of three numbers, one or many, in unlike forms, and some that are refused."""
    for number in range(40):
        rows = np.round(pipelines.X[number : number + 1 + number % 4], 3).tolist()
        encode = asking.NUMERIC[number % len(asking.NUMERIC)]
        yield Request(*encode(rows), asking.ACCEPTS[number % 4])
    for body in (b"1,2\n", b"1,,3\n", b"1,2,x\n", b"1,2,3,4\n"):
        yield Request(body, "text/csv")


def without_id(response: Response) -> Response:
    """A problem tells the request's id, which the frontend gives."""
    if response.content_type != PROBLEM_TYPE:
        return response
    problem = json.loads(response.body)
    del problem["request_id"]
    return replace(response, body=json.dumps(problem).encode())


@pytest.mark.parametrize(
    ("save", "requests"), [(save_mixed, mixed_requests), (save_linear, linear_requests)]
)
def test_each_of_many_clients_gets_its_own_answers(
    tmp_path: Path, save: Callable[[Path], None], requests: Callable[[], Iterator[Request]]
) -> None:
    """Whatever else is asked at the same moment, an answer is the one that a lone request gets."""
    tree = make_tree(tmp_path)
    save(tree.paths.model)
    pipeline = load_pipeline(tree.paths.model, ServingSettings(algorithm_dir=tmp_path))
    asked = [(request, pipeline.invoke(request)) for request in requests()]

    def client(seed: int) -> int:
        chosen = random.Random(seed).choices(asked, k=REQUESTS_EACH)
        with Client(server.client.url) as connection:
            for request, expected in chosen:
                got = connection.invoke(request.body, request.content_type or "", request.accept)
                answer = Response(got.body, got.content_type, got.status)
                asking.assert_same(without_id(answer), without_id(expected))
        return len(chosen)

    with running(tree, MODEL_SERVER_WORKERS="1") as server, ThreadPoolExecutor(CLIENTS) as pool:
        answered = list(pool.map(client, range(CLIENTS)))

    assert answered == [REQUESTS_EACH] * CLIENTS
