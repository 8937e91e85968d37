"""`docker run IMAGE serve` with one model: the contract's requests, and what the log says."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
import requests

from byo.endpoint import Client
from contract import Paths
from tests.container.engine import Container, mount, serving, settings
from tests.container.models import AS_CSV, PENGUINS, SPECIES

SECRET = "swordfish"
DEADLINE = 60
AS_JSON = json.dumps(SPECIES, separators=(",", ":")).encode()
FRAME = pd.read_csv(io.BytesIO(PENGUINS))
SPLIT = json.loads(FRAME.to_json(orient="split"))
HEADER, ROW = PENGUINS.splitlines(keepends=True)[:2]
# What InvokeEndpoint takes at most, and a little less.
FULL_PAYLOAD = HEADER + ROW * (6 * 1024 * 1024 // len(ROW) - 1)
# A line is the supervisor's, or has the frontend's time; but for two while the JVM starts.
LINE = re.compile(r"serve: |\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|WARNING: sun\.reflect|Model server st")


@pytest.fixture(scope="module")
def server(image: str, trained: Paths) -> Iterator[Container]:
    """A container that serves the trained model, mounted as SageMaker mounts it."""
    options = mount(trained.model, "/opt/ml/model", read_only=True)
    with serving(image, *options, *settings(AWS_SECRET_ACCESS_KEY=SECRET)) as one:
        yield one


@pytest.fixture
def client(server: Container) -> Iterator[Client]:
    with server.client() as one:
        yield one


@pytest.fixture(scope="module")
def url(server: Container) -> str:
    return server.url()


def test_a_ping_is_answered(client: Client) -> None:
    """SageMaker looks at the status alone."""
    assert client.ping().status == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", PENGUINS),
        ("text/csv; charset=utf-8", PENGUINS),
        ("application/json", FRAME.to_json(orient="records").encode()),
        ("application/json", json.dumps({"dataframe_split": SPLIT}).encode()),
        ("application/jsonlines", FRAME.to_json(orient="records", lines=True).encode()),
        ("application/vnd.apache.parquet", FRAME.to_parquet()),
    ],
)
def test_reads_every_form_of_a_table(client: Client, content_type: str, body: bytes) -> None:
    """The libraries that the content types need are in the image."""
    answer = client.invoke(body, content_type, "text/csv")

    assert (answer.status, answer.body) == (200, AS_CSV)


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("text/csv", "text/csv", AS_CSV),
        ("application/json", "application/json", AS_JSON),
        ("*/*", "application/json", AS_JSON),
        ("image/png, text/csv;q=0.5", "text/csv", AS_CSV),
    ],
)
def test_answers_in_the_type_that_is_accepted(
    client: Client, accept: str, content_type: str, body: bytes
) -> None:
    """In a pipeline the answer is the next container's request: its type has to be right."""
    answer = client.invoke(PENGUINS, "text/csv", accept)

    assert (answer.status, answer.content_type, answer.body) == (200, content_type, body)


def test_headers_are_taken_as_they_come(url: str) -> None:
    """What SageMaker passes on, and what nobody knows, does no harm; the answer has its own."""
    headers = {
        "Content-Type": "text/csv",
        "Accept": "text/csv",
        "Expect": "100-continue",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
        "X-Amzn-SageMaker-Inference-Id": "one",
        "X-Amzn-SageMaker-Target-Variant": "AllTraffic",
        "X-Unheard-Of": "h" * 1024,
    }

    answer = requests.post(f"{url}/invocations", PENGUINS, headers=headers, timeout=DEADLINE)

    assert (answer.status_code, answer.content) == (200, AS_CSV)
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["Content-Length"] == str(len(AS_CSV))
    assert answer.headers["X-Request-Id"]


def test_a_body_may_come_in_chunks(url: str) -> None:
    """Batch transform sends no Content-Length where MaxPayloadInMB is 0."""
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    chunks = iter([PENGUINS[:50], PENGUINS[50:]])

    answer = requests.post(f"{url}/invocations", chunks, headers=headers, timeout=DEADLINE)

    assert (answer.status_code, answer.content) == (200, AS_CSV)


def test_the_largest_payload_is_answered(client: Client) -> None:
    """As many rows as InvokeEndpoint takes in one request come back as so many predictions."""
    answer = client.invoke(FULL_PAYLOAD, "text/csv", "text/csv")

    assert answer.status == 200
    assert answer.body.count(b"\n") == FULL_PAYLOAD.count(b"\n") - 1


def test_many_clients_at_once_each_get_their_own(server: Container) -> None:
    """No answer is lost, or somebody else's."""

    def ask(row: int) -> bytes:
        body = FRAME.iloc[[row % 6]].to_csv(index=False).encode()
        with server.client() as client:
            return client.invoke(body, "text/csv", "text/csv").require_ok().body.strip()

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(ask, range(96)))

    assert answers == [SPECIES[row % 6].encode() for row in range(96)]


def test_a_long_answer_may_follow_many_short_ones(client: Client) -> None:
    """The frontend reads replies in pieces as large as it is used to; none may be lost to that."""
    for _ in range(100):
        client.invoke(HEADER + ROW, "text/csv", "text/csv").require_ok()

    answers = [client.invoke(b"{", "application/json") for _ in range(4)]

    assert [answer.status for answer in answers] == [400] * 4


CLIENTS_FAULT = [
    (b"", "text/csv", None, 400),
    (b"{", "application/json", None, 400),
    (PENGUINS, "text/csv", "image/png", 406),
    (PENGUINS, "image/png", None, 415),
    (b"\x80\x04K*.", "application/x-python-pickle", None, 415),
    (PENGUINS.replace(b"39.1", b"long"), "text/csv", None, 422),
]


@pytest.mark.parametrize(("body", "content_type", "accept", "status"), CLIENTS_FAULT)
def test_a_request_at_fault_is_told_so(
    client: Client, body: bytes, content_type: str, accept: str | None, status: int
) -> None:
    """A problem document with the request id, and nothing of the server's inside."""
    answer = client.invoke(body, content_type, accept)

    problem = json.loads(answer.body)
    assert (answer.status, problem["status"]) == (status, status)
    assert answer.content_type == "application/problem+json"
    assert problem["request_id"]
    assert "Traceback" not in problem["detail"]
    assert "/opt/" not in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/models", 404)]
)
def test_no_more_than_the_contract_is_open(
    client: Client, method: str, path: str, status: int
) -> None:
    """Nobody loads models into a container of one model through the port that SageMaker uses."""
    assert client.request(method, path, b"{}").status == status


def test_the_log_is_for_operators(server: Container, client: Client) -> None:
    """After requests good and bad: whole lines, no traceback, no secret, nothing of a body."""
    client.invoke(PENGUINS, "text/csv")
    for body, content_type, accept, _ in CLIENTS_FAULT:
        client.invoke(body, content_type, accept)

    log = server.log()

    assert [line for line in log.splitlines() if not LINE.match(line)] == []
    assert "Traceback" not in log
    assert SECRET not in log
    assert "Torgersen" not in log
