"""A large model in containers of 512 MB, 1, 2 and 4 GB: what starts, what is refused, and how."""

from __future__ import annotations

import json
import re
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor

from tests.container.engine import listing, mount, run, serving, settings
from tests.container.test_multi_model import STORE, Endpoint

MEBIBYTE = 1024 * 1024
# The model keeps what it was fitted on: so many MB of it.
SIZE, COLUMNS = 400, 16
ROW = b",".join([b"0.5"] * COLUMNS) + b"\n"
# How many of them fit at a time, by the container's memory in MB.
FIT = {512: 0, 1024: 1, 2048: 3, 4096: 8}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model."""
    folder = tmp_path_factory.mktemp("large") / "model"
    folder.mkdir()
    rows = SIZE * MEBIBYTE // 8 // COLUMNS
    X = np.arange(rows * COLUMNS, dtype=float).reshape(rows, COLUMNS)
    model = KNeighborsRegressor(1, algorithm="brute").fit(X, np.zeros(rows))
    joblib.dump(model, folder / "model.joblib")
    return folder


def limits(megabytes: int) -> list[str]:
    return ["--memory", f"{megabytes}m", "--memory-swap", f"{megabytes}m"]


def test_a_single_model_starts_where_it_fits(image: str, large: Path) -> None:
    """Under 512 MB the last line says what it needs, before it is tried; with 1 GB it answers."""
    mounted = mount(large, "/opt/ml/model", read_only=True)
    ended = run(image, "serve", options=[*limits(512), *mounted])
    with serving(image, *limits(1024), *mounted, ask=lambda client: client.ping()) as one:
        with one.client() as client:
            answer = client.invoke(ROW, "text/csv", "text/csv")
        state = one.state()

    last = ended.log.splitlines()[-1]
    assert ended.code == 4, ended.log
    assert re.search(r"it needs at least 4\d\d MB for model.joblib, and \d+ MB of 512 MB", last)
    assert (answer.status, answer.body) == (200, b"0.0\n")
    assert not state["OOMKilled"]


@pytest.mark.parametrize("megabytes", FIT)
def test_many_models_are_refused_where_they_do_not_fit(
    image: str, large: Path, megabytes: int
) -> None:
    """With the figures; and with room for it, the same LOAD goes well."""
    options = [*limits(megabytes), *settings(SAGEMAKER_MULTI_MODEL="true")]
    options += mount(large, f"{STORE}/large/model", read_only=True)
    with serving(image, *options, ask=listing) as one, one.client() as client:
        endpoint = Endpoint(one, large, client)
        loaded = []
        for number in range(FIT[megabytes] + 4):
            refused = endpoint.load(f"m{number}", f"{STORE}/large/model")
            if refused.status != 200:
                break
            loaded.append(f"m{number}")
        told = json.loads(refused.body)
        endpoint.until_listed(*loaded)

        assert refused.status == 507, refused.body
        assert abs(len(loaded) - FIT[megabytes]) <= 1, told
        assert told["needed"] > SIZE * 0.9 * MEBIBYTE
        assert told["free"] < told["needed"]
        assert told["limit"] == megabytes * MEBIBYTE
        assert sorted(each["modelName"] for each in told["loaded"]) == loaded
        assert all(each["memoryBytes"] > SIZE * 0.9 * MEBIBYTE for each in told["loaded"])
        for name in loaded:
            assert endpoint.invoke(name, ROW) == (200, b"0.0\n")
        if loaded:
            described = json.loads(client.request("GET", f"/models/{loaded[0]}").body)
            assert described["memoryBytes"] > SIZE * 0.9 * MEBIBYTE
            endpoint.unload(loaded[0]).require_ok()
            assert endpoint.load("again", f"{STORE}/large/model").status == 200
        assert not one.state()["OOMKilled"]
        assert client.ping().status == 200
