"""What is answered in front of multi-model-server's frontend, and what it gets to see as ever."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from byo.endpoint import Client
from contract.machine import this_machine
from contract.settings import ServingSettings
from handler.processes.capacity_plan import plan
from handler.serve.batch_transform_defaults import defaults
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Server, Tree, make_tree, running, save_positional

pytestmark = [pytest.mark.slow, pytest.mark.portable]

MULTIPART = "multipart/form-data; boundary=xyz"
ENCODED = "application/x-www-form-urlencoded"
TARGET = "X-Amzn-SageMaker-Target-Model"
HASH = "0123456789abcdef0123456789abcdef"
PING_SECONDS = 2.0  # SageMaker's


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one model."""
    tree = make_tree(tmp_path_factory.mktemp("single"))
    save_positional(tree.paths.model)
    with running(tree) as one:
        yield one


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of many models, three of them loaded: two as SageMaker does, one as people do."""
    tree = make_tree(tmp_path_factory.mktemp("many"))
    save_positional(tree.paths.model)
    with running(tree, multi_model=True) as one:
        assert load(one, HASH, tree.paths.model, {TARGET: "tenants/a.tar.gz"}) == 200
        assert load(one, HASH[::-1], tree.paths.model) == 200
        assert load(one, "b", tree.paths.model) == 200
        yield one


def load(server: Server, name: str, folder: Path, headers: dict[str, str] | None = None) -> int:
    document = json.dumps({"model_name": name, "url": str(folder)}).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    return server.client.request("POST", "/models", document, headers).status


def form(fields: int) -> bytes:
    """A multipart form."""
    head = b'--xyz\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n'
    return b"".join(head % number for number in range(fields)) + b"--xyz--\r\n"


@contextmanager
def pinging(url: str) -> Iterator[list[int | None]]:
    """What pings are answered with meanwhile; None for one that has no answer in time."""
    answers: list[int | None] = []
    ended = threading.Event()

    def ping() -> None:
        while not ended.is_set():
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PING_SECONDS)
            try:
                connection.request("GET", "/ping")
                answers.append(connection.getresponse().status)
            except OSError:
                answers.append(None)
            connection.close()

    pings = threading.Thread(target=ping)
    pings.start()
    try:
        yield answers
    finally:
        ended.set()
        pings.join()


def test_large_forms_keep_nobody_waiting(single: Server) -> None:
    """200,000 fields in 11 MB, sent several times: the decoder would take 20 s for each."""
    body = form(200_000)
    with pinging(single.client.url) as pings:
        answers = [single.post(body, MULTIPART) for _ in range(5)]

    assert {answer.status for answer in answers} == {415}
    assert set(pings) == {200}
    assert single.post("2,0\n").status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        MULTIPART,
        "Multipart/Form-Data; BOUNDARY=xyz",
        "multipart/form-data",
        "multipart/form-data ;charset=utf-8;boundary=xyz",
        "multipart/form-data-and-more; boundary=xyz",
        ENCODED,
        "APPLICATION/X-WWW-FORM-URLENCODED",
        f"{ENCODED}; charset=utf-8",
        f"{ENCODED} ; charset=utf-8",
    ],
)
@pytest.mark.parametrize("body", [form(2), b"a=1&b=2", b""])
def test_forms_are_refused(single: Server, content_type: str, body: bytes) -> None:
    """However they are written, with our own problem document."""
    response = single.post(body, content_type)

    assert (response.status, response.content_type) == (415, "application/problem+json")
    problem = json.loads(response.body)
    assert problem["detail"].startswith("content type '")
    assert problem.keys() == {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize(
    "path",
    [
        "/invocations?model_name=model",
        "/predictions/model",
        "/models/model/invoke",
        "/model/predict",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "OPTIONS"])
def test_forms_are_refused_on_every_path_that_takes_them(
    single: Server, method: str, path: str
) -> None:
    """The frontend would decode them before it looks at the method."""
    answer = single.client.request(method, path, b"a=1", {"Content-Type": ENCODED})

    assert answer.status == 415


def test_the_second_of_two_content_types_counts_too(single: Server) -> None:
    """A proxy may take either."""
    request = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    types = f"Content-Type: text/csv\r\nContent-Type: {MULTIPART}\r\n\r\n".encode()

    assert ask(single, request + types + b"2,0").startswith(b"HTTP/1.1 415 ")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/mixed; boundary=xyz", 415),
        ("application/x-www-form", 415),
        ("text/csv", 200),
        ("Text/CSV; charset=utf-8", 200),
    ],
)
def test_all_else_is_the_models(single: Server, content_type: str, status: int) -> None:
    """A type that is none of ours is refused by what reads requests, which names what it reads."""
    response = single.post("2,0\n", content_type)

    assert response.status == status
    assert status == 200 or "these are: " in json.loads(response.body)["detail"]


def test_a_missing_content_type_is_the_models(single: Server) -> None:
    """It is read as JSON."""
    answer = single.client.request("POST", "/invocations", b"[[2, 0]]")

    assert (answer.status, json.loads(answer.body)) == (200, [1])


def test_a_connection_goes_on_after_a_refused_form(single: Server) -> None:
    """What comes after the form is the next request."""
    refused = f"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: {ENCODED}\r\n".encode()
    chunks = b"Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n"
    ping = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"

    answers = ask(single, refused + chunks + ping, answers=2)

    assert answers.startswith(b"HTTP/1.1 415 ")
    assert b"HTTP/1.1 200 OK" in answers


def test_who_asks_before_sending_a_form_is_told(single: Server) -> None:
    """Without the form having been sent; the connection then closes."""
    head = f"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: {MULTIPART}\r\n".encode()

    answer = ask(single, head + b"Content-Length: 99\r\nExpect: 100-continue\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"connection: close" in answer


def ask(server: Server, request: bytes, answers: int = 1) -> bytes:
    """Send bytes, and read so many answers."""
    url = urlsplit(server.client.url)
    got = b""
    with socket.create_connection((url.hostname, url.port or 80), timeout=10) as connection:
        connection.sendall(request)
        while got.count(b"}") < answers:  # each ends with one
            piece = connection.recv(65536)
            assert piece, "the connection was closed"
            got += piece
    return got


def test_loading_by_a_form_is_refused(many: Server, tmp_path: Path) -> None:
    """The frontend reads parameters from the address or from JSON; from a form it never did."""
    save_positional(tmp_path)
    url = f"/models?url={tmp_path}&model_name=by_parameters&synchronous=true&initial_workers=1"

    refused = many.client.request("POST", "/models", b"url=/x", {"Content-Type": ENCODED})
    assert refused.status == 415
    assert "query parameters" in json.loads(refused.body)["detail"]
    # What curl -d '' sends.
    assert many.client.request("POST", url, b"", {"Content-Type": ENCODED}).status == 200
    assert many.client.request("DELETE", "/models/by_parameters").status == 200


@pytest.mark.parametrize(
    ("name", "target", "status"),
    [
        (HASH, "tenants/a.tar.gz", 200),
        (HASH, HASH, 200),
        (HASH, "tenants/b.tar.gz", 400),
        (HASH, "b", 400),
        (HASH[::-1], "whatever.tar.gz", 200),  # nobody has said what it is
        ("b", "b", 200),
        ("b", "b.tar.gz", 200),
        ("b", "tenants/b.tar.gz", 200),
        ("b", "tenants/a.tar.gz", 400),
        ("b", "c", 400),
        ("absent", "c", 404),
        ("absent", "absent", 404),
    ],
)
def test_a_target_model_agrees_with_the_path(
    many: Server, name: str, target: str, status: int
) -> None:
    """SageMaker's path has a name of its own; its header is the one that came with LOAD."""
    headers = {"Content-Type": "text/csv", TARGET: target}
    for path in (
        f"/models/{name}/invoke",
        f"/predictions/{name}",
        f"/invocations?model_name={name}",
    ):
        response = many.client.request("POST", path, b"2,0\n", headers)

        assert response.status == status
        if status == 400:
            detail = json.loads(response.body)["detail"]
            assert f"'{name}'" in detail
            assert f"'{target}'" in detail


def test_a_target_model_is_that_of_the_last_load(many: Server, tmp_path: Path) -> None:
    """A LOAD that is refused changes nothing; UNLOAD and LOAD do."""
    save_positional(tmp_path)
    name = HASH.replace("0", "7")

    def invoke(target: str) -> int:
        headers = {"Content-Type": "text/csv", TARGET: target}
        return many.client.request("POST", f"/models/{name}/invoke", b"2,0\n", headers).status

    assert load(many, name, tmp_path, {TARGET: "one"}) == 200
    assert load(many, name, tmp_path, {TARGET: "two"}) == 409
    assert (invoke("one"), invoke("two")) == (200, 400)
    assert many.client.request("DELETE", f"/models/{name}").status == 200
    assert load(many, name, tmp_path, {TARGET: "two"}) == 200
    assert (invoke("one"), invoke("two")) == (400, 200)
    assert many.client.request("DELETE", f"/models/{name}").status == 200


def test_long_target_models_are_cut_short(many: Server) -> None:
    """A problem's detail quotes no more than it has to."""
    headers = {"Content-Type": "text/csv", TARGET: "x" * 1024}

    response = many.client.request("POST", "/models/b/invoke", b"2,0\n", headers)

    assert response.status == 400
    assert len(json.loads(response.body)["detail"]) < 300


def test_what_is_refused_is_in_the_log(single: Server) -> None:
    """As what the frontend itself refuses."""
    with Client(single.client.url) as client:
        client.request("POST", "/invocations/in-the-log", b"a=1", {"Content-Type": ENCODED})

    told = "415 POST /invocations/in-the-log: content type 'application/x-www-form-urlencoded'"
    eventually(lambda: told in single.log.read_text())


def test_execution_parameters(single: Server) -> None:
    """What a batch transform job asks for, as AWS documents it."""
    answer = single.client.request("GET", "/execution-parameters")

    assert (answer.status, answer.content_type) == (200, "application/json")
    parameters = json.loads(answer.body)
    assert parameters.keys() == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    assert single.client.request("POST", "/execution-parameters", b"{}").status == 404


@pytest.mark.parametrize(
    ("megabytes", "workers", "expected"),
    [
        (None, 4, (4, 6)),
        (None, 64, (16, 6)),
        ("2", 64, (50, 2)),
        ("0", 1, (1, 6)),
        ("50", 4, (2, 50)),
        ("99", 4, (1, 99)),
    ],
)
def test_execution_parameters_are_within_sagemakers_bounds(
    megabytes: str | None, workers: int, expected: tuple[int, int]
) -> None:
    """All requests under way may have 100 MB together."""
    environ = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": megabytes} if megabytes else {}
    settings = ServingSettings.from_environ(environ)
    planned = replace(plan(settings, this_machine()), workers=workers)

    found = defaults(settings, planned)

    assert (found["MaxConcurrentTransforms"], found["MaxPayloadInMB"]) == expected


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ("{'MaxConcurrentTransforms': 3}", {"MaxConcurrentTransforms": 3}),
        ("'{\"MaxPayloadInMB\": 1}'", {"MaxPayloadInMB": 1}),
        ("[1]", None),
        ("1 / 0", None),
        ("exit()", None),
    ],
)
def test_users_say_their_own_execution_parameters(
    positional: Tree, said: str, answered: dict[str, int] | None
) -> None:
    """By a function that AWS's images know; one that fails leaves the defaults."""
    module = positional.algorithm.folder / "inference.py"
    module.write_text(f"def execution_parameters_fn():\n    return {said}\n")
    with running(positional) as server:
        found = json.loads(server.client.request("GET", "/execution-parameters").body)
        log = server.log.read_text()

    assert found == (answered or found | {"BatchStrategy": "MULTI_RECORD"})
    assert ("execution_parameters_fn gave none" in log) == (answered is None)


@pytest.mark.parametrize("document", [b"{not json", b"[]", b'"a"', b"", b'{"batch_size": "x"}'])
def test_a_load_that_is_no_document(many: Server, document: bytes) -> None:
    """400 and what is right, where the frontend by itself says 500; the connection goes on."""
    refused = many.client.request("POST", "/models", document, {"Content-Type": "application/json"})

    assert refused.status == 400
    assert '"model_name"' in json.loads(refused.body)["detail"]
    assert many.client.request("GET", "/models").status == 200
