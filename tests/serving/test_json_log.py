"""The log as JSON: every line is an object of it, whoever says it and however."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

from tests.serving.backend.processes import Processes, eventually
from tests.serving.conftest import Server, Tree, run_to_its_end, running
from tests.serving.test_multi_model import invoke, load

pytestmark = pytest.mark.slow

PASSWORD = 'p"w-\u00fc-4711'
CANARY = "Canary-4711-xyz"
MEMBERS = {"time", "level", "logger", "message"}
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"

Line = dict[str, Any]


def refuse(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def read(line: str) -> Line:
    """A line as a strict reader takes it."""
    try:
        document = json.loads(line, parse_constant=refuse)
    except ValueError:
        raise AssertionError(f"no JSON: {line[:200]!r}") from None
    assert isinstance(document, dict)
    return document


def lines(log: Path) -> list[Line]:
    """All complete lines so far."""
    whole = log.read_bytes().rpartition(b"\n")[0].decode("ascii")
    return [read(line) for line in whole.splitlines()]


def until(log: Path, holds: Callable[[Line], bool]) -> Line:
    """The first line of a kind, as soon as it is there."""
    eventually(lambda: any(map(holds, lines(log))))
    return next(filter(holds, lines(log)))


def saying(log: Path, text: str) -> Line:
    return until(log, lambda line: text in str(line.get("message")))


def of(log: Path, request_id: str) -> list[Line]:
    """What is said of an invocation."""
    return [line for line in lines(log) if line.get("request_id") == request_id]


@dataclass(frozen=True)
class Answer:
    """What a client sees of an answer that the log is compared with."""

    status: int
    names: tuple[str | None, str | None]
    body: bytes


def asked(server: Server, body: str, name: str, content_type: str = "text/csv") -> Answer:
    """The answer to an invocation that its client has named."""
    address = urlsplit(server.client.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=60)
    with closing(connection):
        headers = {INFERENCE_ID: name, "Content-Type": content_type}
        connection.request("POST", "/invocations", body, headers)
        answer = connection.getresponse()
        names = answer.headers["x-request-id"], answer.headers[INFERENCE_ID]
        return Answer(answer.status, names, answer.read())


@pytest.mark.parametrize(("backend", "workers"), [("own", "2"), ("shared", "1"), ("stock", "1")])
def test_every_line_is_an_object(positional: Tree, backend: str, workers: str) -> None:
    """In one server: what is printed, logged, warned of and crashed, and what fails."""
    positional.inference("says_all.py")
    settings = {
        "BYO_LOG_FORMAT": "json",
        "BYO_BACKEND": backend,
        "MODEL_SERVER_WORKERS": workers,
        "MY_PASSWORD": PASSWORD,
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": "4",
    }
    with running(positional, **settings) as server:
        log = server.log
        assert asked(server, "quiet,1", "quiet").status == 200
        assert asked(server, "say", "said").status == 200
        check_what_is_said(log)
        assert of(log, "quiet") == []
        check_failures(server)
        check_a_client_that_goes_away(server)
        assert asked(server, "crash", "crash").status in (500, 503)
        eventually(lambda: of(log, "crash") != [])
        if backend != "stock":
            check_a_crash(positional, log)
        eventually(lambda: asked(server, "quiet,1", "again").status == 200)
        # What a JVM prints past its log.
        Processes(positional).frontend().send_signal(signal.SIGQUIT)
        saying(log, "Full thread dump")

    said = lines(log)
    assert len(of(log, "crash")) == 1
    assert CANARY not in log.read_text()
    for form in (PASSWORD, json.dumps(PASSWORD)[1:-1]):
        assert form not in log.read_text()
    ours = [line for line in said if "of" not in line]
    assert all(line.keys() >= MEMBERS for line in ours)
    assert any(line["message"].startswith("stopping on SIGTERM") for line in ours)


def check_what_is_said(log: Path) -> None:
    """What predict_fn says of the request named said."""
    saying(log, "no end")
    saying(log, "in a child")
    known = of(log, "said")
    messages = [line["message"] for line in known]

    def one(text: str) -> Line:
        return known[messages.index(text)]

    assert one("two")["level"] == "INFO"
    assert one("lines") == one("two") | {"message": "lines", "time": one("lines")["time"]}
    assert one("two")["model"] == "model"
    assert one("wide: \u00fc \u2028 \U0001f427 \ud800")
    assert one('"quoted" \\ {\t}')
    assert sum(set(text) == {"a"} and len(text) for text in messages) == 1_000_000
    assert one('{"not": NaN}')
    assert one("{half")
    assert one("100%")["level"] == "WARNING"
    assert one("by a handler of my own")["level"] == "ERROR"
    assert one("by a handler of my own")["logger"] == "mine"
    assert one("not a format")["order"] == 7
    assert one("too %s ('many', 'arguments')")["level"] == "WARNING"
    assert [one for one in messages if "UserWarning: beware" in one]
    by_hand = [line for line in known if line["message"] == "RuntimeError: printed by hand"]
    assert by_hand
    assert all("in fail" in line["exception"] for line in by_hand)
    assert "in fail" in one("logged")["exception"]
    assert one("***")
    assert one("no end")
    everything = lines(log)
    assert {"of": "the user", "n": 1} in everything
    raw = [line["message"] for line in everything if line.get("logger") in ("stdout", "stderr")]
    assert sum(set(text) == {"b"} and len(text) for text in raw) == 300_000
    assert [one for one in raw if one.startswith("no text: ")]
    assert "while importing" in raw
    assert "from a library" in raw
    assert "from a child" in raw
    assert "the end of a child" in raw
    child = next(line for line in everything if line.get("message") == "ValueError: in a child")
    assert child["exception"].startswith("Traceback (most recent call last):\n")


def check_failures(server: Server) -> None:
    """Each is one line under its name, with its cause, and without what was sent."""
    expected = {
        "raise": (f"raise,{CANARY}", 500, "ERROR", "500 KeyError: "),
        "chain": (f"chain,{CANARY}", 500, "ERROR", "500 ArithmeticError: not"),
        "teapot": ("teapot", 418, "INFO", "418 is what the model's own code answered"),
        "sleep": ("sleep", 504, "ERROR", "504 the invocation took longer than 4 s"),
    }
    for name, (body, status, level, message) in expected.items():
        answer = asked(server, body, name)
        assert answer.status == status
        assert answer.names == (name, name)
        eventually(lambda name=name: of(server.log, name) != [])
        (line,) = of(server.log, name)
        assert line["level"] == level
        assert line["message"].startswith(message)
        assert line["model"] == "model"
    chain = of(server.log, "chain")[0]["exception"]
    assert "invalid literal for int()" in chain
    assert "The above exception was the direct cause" in chain
    form = "application/x-www-form-urlencoded"
    answer = asked(server, "a=b", "form " + "y" * 200, form)
    cut = "form " + "y" * 120 + "..."
    assert answer.status == 415
    assert answer.names == (cut, cut)
    assert json.loads(answer.body)["request_id"] == cut
    eventually(lambda: of(server.log, cut) != [])
    (line,) = of(server.log, cut)
    assert line["message"].startswith("415 POST /invocations: content type 'application/x-www")
    assert server.client.request("GET", "/nowhere", b"", {}).status == 404
    saying(server.log, "404 GET /nowhere: Requested resource is not found")


def check_a_client_that_goes_away(server: Server) -> None:
    """One line: an exception of Java's, with its cause."""
    address = urlsplit(server.client.url)
    with socket.create_connection((address.hostname, address.port), 10) as client:
        client.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n2,0")
    gone = saying(server.log, "PrematureChannelClosureException: Channel closed")
    assert gone["exception"].count("\n\tat ") > 3
    assert (gone["level"], gone["logger"]) == ("ERROR", "HttpRequestHandler")


def check_a_crash(tree: Tree, log: Path) -> None:
    """What a process leaves that crashes, and one that is killed."""
    crash = until(log, lambda line: "Fatal Python error" in line.get("exception", ""))
    assert crash["message"].startswith("Fatal Python error: Segmentation fault")
    Processes(tree).fork_server().kill()
    saying(log, "another takes its place")


def test_many_models_lines_name_them(positional: Tree, tmp_path: Path) -> None:
    """One that can't be loaded, and one that is not there; by a JVM that says what it does."""
    broken = tmp_path / "broken"
    (broken / "code").mkdir(parents=True)
    (broken / "code" / "inference.py").write_text("import not_there_at_all\n")
    arguments = "-Xlog:gc -Dstore.password=a-long-one"
    settings = {"BYO_LOG_FORMAT": "json", "JAVA_TOOL_OPTIONS": arguments}
    with running(positional, multi_model=True, **settings) as server:
        assert load(server, "well", positional.paths.model) == 200
        assert load(server, "broken", broken) == 500
        assert invoke(server, "well", b"2,nothing\n")[0] == 422
        assert invoke(server, "none")[0] == 404
        failed = saying(server.log, "model 'broken' can't be loaded: ")
        refused = saying(server.log, "422 row 1, column 2")
        missing = saying(server.log, "404 POST /models/none/invoke: Model not found: none")
        answered = saying(server.log, "500 POST /models: ")
        options = saying(server.log, "Picked up JAVA_TOOL_OPTIONS")

    assert failed["model"] == "broken"
    assert "No module named 'not_there_at_all'" in failed["exception"]
    assert refused["model"] == "well"
    assert refused["request_id"] != missing["request_id"]
    assert answered["level"] == "ERROR"
    assert "-Dstore.password=***" in options["message"]


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"BYO_BACKEND": "nonsense"}, 2, "BYO_BACKEND must be"),
        ({"SAGEMAKER_BASE_DIR": "/nowhere"}, 4, "there is no model directory"),
        ({"BYO_LOG_FORMAT": "yaml"}, 2, "BYO_LOG_FORMAT must be text or json or auto, not 'yaml'"),
        ({"SAGEMAKER_MODEL_SERVER_VMARGS": "-XX:Nonsense"}, 5, "the frontend ended by itself"),
    ],
)
def test_an_end_is_told_as_json(
    positional: Tree, settings: dict[str, str], code: int, message: str
) -> None:
    ended, printed = run_to_its_end(positional, **{"BYO_LOG_FORMAT": "auto", **settings})

    last = [read(line) for line in printed.splitlines()][-1]
    assert ended == code
    assert last["message"].startswith(message)
    assert last["level"] == "CRITICAL"
