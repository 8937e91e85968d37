"""What a body may hold, over the real frontend: a refusal that names the setting, and no death."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.codecs.hostile_bodies import BODIES
from tests.serving.conftest import Server, Tree, make_tree, running, save_positional

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = make_tree(tmp_path_factory.mktemp("limits"))
    save_positional(tree.paths.model)
    return tree


@pytest.fixture(scope="module")
def server(tree: Tree) -> Iterator[Server]:
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1", BYO_MAX_ROWS="10") as one:
        yield one


def test_a_limit_that_is_set_is_named_by_the_refusal(server: Server) -> None:
    """The setting reaches the worker that reads the body."""
    refused = server.post(json.dumps([[1, 2]] * 11), "application/json")

    assert refused.status == 413
    assert (
        json.loads(refused.body)["detail"] == "the body has 11 rows, 10 are allowed (BYO_MAX_ROWS)"
    )


@pytest.mark.parametrize(
    "name",
    [
        "npz_lzma_understated",
        "npy_zero_size",
        "recordio_shape_2_64",
        "csv_million_texts",
        "json_million_columns_mixed",
        "svm_huge_index",
        "parquet_decimals",
    ],
)
def test_a_hostile_body_is_the_callers_fault(server: Server, name: str) -> None:
    """It is refused, and the next one is answered."""
    content_type, make = BODIES[name]

    refused = server.post(make(), content_type)

    assert 400 <= refused.status < 500, refused.body[:300]
    assert server.post("1,2\n").status in (200, 422)
