"""Invocations of a single model over the real frontend: answers, errors, and what is written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.serving.conftest import Server, Tree, make_tree, running, save_mixed

pytestmark = [pytest.mark.slow, pytest.mark.portable]

ROWS = pd.DataFrame({"island": ["Biscoe", "Dream", "Biscoe"], "mass": [9.0, 1.0, 9.5]})
ANSWER = ["large", "small", "large"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A tree with the model of two named columns."""
    tree = make_tree(tmp_path_factory.mktemp("mixed"))
    save_mixed(tree.paths.model)
    return tree


@pytest.fixture(scope="module")
def server(mixed: Tree) -> Iterator[Server]:
    """A server of that tree, as small as a laptop's."""
    with running(mixed, SAGEMAKER_MODEL_SERVER_WORKERS="1", SAGEMAKER_MAX_PAYLOAD_IN_MB="1") as one:
        yield one


def parquet() -> bytes:
    file = io.BytesIO()
    ROWS.to_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ROWS.to_csv(index=False), "text/csv"),
        (ROWS.to_csv(index=False, header=False), "text/csv"),
        (ROWS[["mass", "island"]].to_csv(index=False), "text/csv; charset=utf-8"),
        (ROWS.to_json(orient="records"), "application/json"),
        (ROWS.to_json(orient="split"), "application/json"),
        (ROWS.to_json(orient="values"), "application/json"),
        (ROWS.to_json(orient="records", lines=True), "application/jsonlines"),
        (parquet(), "application/vnd.apache.parquet"),
    ],
)
def test_the_same_rows_in_any_content_type(
    server: Server, body: str | bytes, content_type: str
) -> None:
    """Rows are rows: named columns in any order, or by position, in each content type."""
    response = server.post(body, content_type)

    assert (response.status, json.loads(response.body)) == (200, ANSWER)
    assert response.content_type == "application/json"


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("text/csv", "text/csv", b"large\nsmall\nlarge\n"),
        ("*/*", "application/json", None),
        ("text/csv;q=0.1, application/json", "application/json", None),
        ("image/png, text/csv;q=0.5", "text/csv", b"large\nsmall\nlarge\n"),
    ],
)
def test_answers_in_what_is_accepted(
    server: Server, accept: str, content_type: str, body: bytes | None
) -> None:
    """Accept decides, with its weights; anything means the default."""
    response = server.post(ROWS.to_csv(index=False), Accept=accept)

    assert response.content_type.split(";")[0] == content_type
    assert body is None or response.body == body


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "members"),
    [
        ("", "text/csv", "*/*", 400, {}),
        ('[["Dream", 1]', "application/json", "*/*", 400, {}),
        (b"\xff\xfe", "text/csv", "*/*", 400, {}),
        ("Dream,1\n", "text/csv", "image/png", 406, {}),
        ("Dream,1\n", "image/png", "*/*", 415, {}),
        ("Dream,1\nDream,heavy\n", "text/csv", "*/*", 422, {"row": 2, "column": "mass"}),
        ("Dream,1,2\n", "text/csv", "*/*", 422, {}),
        ("island,weight\nDream,1\n", "text/csv", "*/*", 422, {}),
        ("Dream,\n", "text/csv", "*/*", 422, {"row": 1, "column": "mass"}),
        ("x" * (1024 * 1024 + 1), "text/csv", "*/*", 413, {}),
    ],
)
def test_what_the_caller_did_is_4xx(
    server: Server,
    body: str | bytes,
    content_type: str,
    accept: str,
    status: int,
    members: dict[str, object],
) -> None:
    """A problem document that names the place, without a traceback."""
    response = server.post(body, content_type, Accept=accept)

    problem = json.loads(response.body)
    assert response.status == problem["status"] == status
    assert response.content_type == "application/problem+json"
    assert problem.items() >= members.items()
    assert problem["request_id"]
    assert b"Traceback" not in response.body


def test_ping_and_nothing_else(server: Server) -> None:
    """/ping answers; the management of models is not on a single-model endpoint's port."""
    assert server.client.ping().status == 200
    assert server.client.request("GET", "/models").status == 404


def test_a_hundred_thousand_rows(server: Server) -> None:
    """A large CSV comes back with one answer per row, in order."""
    body = "".join("Biscoe,9\n" if n % 3 else "Dream,1\n" for n in range(100_000))

    response = server.post(body, Accept="text/csv")

    assert response.body.decode().split() == ["large" if n % 3 else "small" for n in range(100_000)]


def test_writes_nowhere_but_to_its_scratch_folder(mixed: Tree, server: Server) -> None:
    """Neither the model folder nor the algorithm's gains a file by being served."""

    def files(folder: Path) -> set[str]:
        return {str(file.relative_to(folder)) for file in folder.rglob("*")}

    server.post(ROWS.to_csv(index=False))

    assert files(mixed.paths.base) == {"model", "model/model.joblib", "model/signature.json"}
    assert files(mixed.algorithm.folder) == set()


def test_twice_side_by_side(mixed: Tree, server: Server) -> None:
    """A second server of the same tree neither minds the first nor disturbs it."""
    with running(mixed, SAGEMAKER_MODEL_SERVER_WORKERS="1") as second:
        answers = [one.post(ROWS.to_csv(index=False)).body for one in (server, second)]

    assert [json.loads(answer) for answer in answers] == [ANSWER, ANSWER]
    assert server.client.ping().status == 200
