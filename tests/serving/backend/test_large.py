"""Bodies of a hundred megabytes through the real frontend, at its default settings."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import joblib
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from byo.endpoint import Client
from contract.settings import ServingSettings
from tests.serving.conftest import Server, make_tree, running

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
# What one request may take in all, on a machine that others use, too.
SECONDS = 150.0
ROWS = np.random.default_rng(5).normal(size=(20_000, 3))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker that scales three columns: as much comes out as goes in."""
    tree = make_tree(tmp_path_factory.mktemp("large"))
    joblib.dump(StandardScaler().fit(ROWS), tree.paths.model / "model.joblib")
    with running(tree, MODEL_SERVER_WORKERS="1") as one:
        yield one


@pytest.fixture(scope="module")
def block() -> bytes:
    """Some rows as CSV, of which large bodies are made."""
    text = io.BytesIO()
    np.savetxt(text, ROWS, delimiter=",", fmt="%.17g")
    return text.getvalue()


def invoke(server: Server, body: bytes) -> bytes:
    with Client(server.client.url, SECONDS) as client:
        return client.invoke(body, "text/csv", "text/csv").require_ok().body


@pytest.mark.timeout(200)
def test_a_hundred_megabytes_in_and_out(server: Server, block: bytes) -> None:
    """The largest body that is allowed is answered, each row as in a smaller one."""
    times = ServingSettings().max_payload // len(block)
    expected = invoke(server, block)

    answer = invoke(server, block * times)

    assert times * len(block) > 100 * MEGABYTE
    assert len(answer) > 95 * MEGABYTE
    assert answer == expected * times


def is_answered(server: Server) -> bool:
    with Client(server.client.url) as client:
        answer = client.invoke(b"1,2,3\n", "text/csv").require_ok()
    return len(json.loads(answer.body)[0]) == 3


def test_a_client_that_reads_slowly_keeps_nobody_waiting(server: Server, block: bytes) -> None:
    """Fifty megabytes wait for their reader; others are answered meanwhile."""
    body = block * (50 * MEGABYTE // len(block))
    address = urlsplit(server.client.url)
    slow = http.client.HTTPConnection(str(address.hostname), address.port, timeout=SECONDS)
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    slow.request("POST", "/invocations", body, headers)
    response = slow.getresponse()
    begun = response.read(1)

    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: is_answered(server), range(40)))

    assert others == [True] * 40
    assert len(begun + response.read()) > 45 * MEGABYTE
    slow.close()
