"""``byo replay``: what it says, writes and ends with."""

from __future__ import annotations

import json
import signal
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from byo.endpoint import Client
from byo.recorded import Invocation, RecordedAnswer, Recording
from tests.container_rules.stub_container import Asked, Reply, Stub, running

CSV = {"content-type": "text/csv", "accept": "text/csv"}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two invocations, answered with 1 and 0."""
    file = tmp_path / "invocations.jsonl"
    with Recording(file, "http://recorded") as writing:
        for number, (body, answer) in enumerate([(b"2,0\n", b"1\n"), (b"0,0\n", b"0\n")], 1):
            given = RecordedAnswer(200, {"content-type": "text/csv"}, answer, 0.01)
            writing.add(Invocation(number, 0.0, "POST", "/invocations", CSV, body, given))
    return file


def other(_stub: Stub, asked: Asked) -> Reply | None:
    return Reply(200, b"0.25\n", "text/csv") if asked.body == b"0,0\n" else None


def test_the_same_answers(run_byo, recording):
    with running(Stub()) as stub:
        done = run_byo("replay", recording, "--url", stub.url, "--concurrency", 2)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 invocations: 2 answered alike, 0 otherwise; median ms: 10.0 ")


def test_another_answer_is_named_and_exit_code_1(run_byo, recording, tmp_path):
    junit = tmp_path / "report.xml"
    with running(Stub(other)) as stub:
        done = run_byo("replay", recording, "--url", stub.url, "--junit", junit)

    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        "differs  invocation 2: POST /invocations (text/csv, 4 bytes)",
        "         body at [0][0]: 0 ≠ 0.25",
    ]
    assert done.stderr == "byo replay: 1 of 2 invocations are answered otherwise\n"
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_two_servers_as_json(run_byo, recording):
    with running(Stub()) as first, running(Stub(other)) as second:
        done = run_byo("replay", recording, "--url", first.url, "--url2", second.url, "--json")

    document = json.loads(done.stdout)
    assert (document["before"], document["now"]) == (first.url, second.url)
    assert [each["differences"] for each in document["invocations"]] == [
        [], ["body at [0][0]: 0 ≠ 0.25"]
    ]  # fmt: skip


def test_a_tolerance_lets_numbers_differ(run_byo, recording):
    with running(Stub(other)) as stub:
        done = run_byo("replay", recording, "--url", stub.url, "--tolerance", "0.3")

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl can't be read: No such file"),
        (["nowhere.jsonl", "--tolerance", "x"], "'x' is not a number from 0"),
        (["nowhere.jsonl", "--concurrency", "0"], "'0' is not a number from 1 to 1000"),
    ],
)
def test_what_can_not_be_used_is_one_line(run_byo, arguments, line):
    done = run_byo("replay", *arguments)

    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_recording_without_invocations_is_told(run_byo, tmp_path):
    with Recording(tmp_path / "empty.jsonl", "http://x"):
        pass
    done = run_byo("replay", "empty.jsonl")

    assert done.returncode == 2
    assert "empty.jsonl holds no invocation" in done.stderr


def test_what_is_recorded_is_replayed(run_byo, start_byo, tmp_path):
    """From clients of the proxy until Ctrl-C, and then to the same server."""
    file = tmp_path / "recorded.jsonl"
    with running(Stub()) as stub:
        recorder = start_byo("endpoint", "record", "--url", stub.url, "--output", file, "--port", 0)
        said = recorder.stdout.readline()
        assert said.startswith(f"recording {stub.url} in {file}: ask http://127.0.0.1:")
        with Client(said.split()[-1], 20.0) as client:
            assert client.invoke(b"2,0\n", "text/csv", "text/csv").body == b"1\n"
            assert client.invoke(b"x", "image/png").status == 415
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(20) == 0
        assert recorder.stdout.read() == f"recorded 2 invocations in {file}\n"
        done = run_byo("replay", file, "--url", stub.url)

    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("2 invocations: 2 answered alike")


def test_a_port_that_is_taken_is_one_line(run_byo, tmp_path):
    with running(Stub()) as stub:
        port = stub.url.rpartition(":")[2]
        done = run_byo("endpoint", "record", "--output", "f.jsonl", "--port", port)

    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 can't be had" in done.stderr
