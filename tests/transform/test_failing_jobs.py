"""What fails in a job, and what is refused before it starts."""

from __future__ import annotations

import asyncio
import gzip
import threading

import pytest

from byo.command_errors import EndpointFailed, JobFailed, UsageError
from byo.served_container import Connections
from byo.transform import batch_job
from byo.transform.finished_outputs import FinishedOutputs
from byo.transform.input_objects import find_objects
from byo.transform.job_settings import JobSettings
from byo.transform.outputs import Outputs
from tests.transform.jobs import JOINED, LINES, fields, outputs


@pytest.mark.parametrize(
    "body", [b"1\n2\n", gzip.compress(b"1\n" * 100)[:-6]], ids=["plain", "cut off"]
)
def test_what_is_no_gzip_fails(transform, stub, tmp_path, capsys, body):
    """It leaves nothing."""
    (tmp_path / "a.csv").write_bytes(body)

    with pytest.raises(JobFailed, match="no whole gzip file"):
        transform("a.csv", "out", "--url", stub.url, *LINES, "--compression", "gzip")
    assert outputs(tmp_path / "out") == {}


def test_a_failed_object_leaves_nothing_and_the_others_go_on(transform, stub, tmp_path, capsys):
    """The job is Failed, in the words of SageMaker's log."""
    stub.answer = lambda body: (500, b"what went wrong") if b"bad" in body else (200, body)
    (tmp_path / "in").mkdir()
    for name, text in (("a.csv", "1"), ("b.csv", "bad"), ("c.csv", "3")):
        (tmp_path / "in" / name).write_text(text)

    with pytest.raises(JobFailed, match=r"the job is Failed: 2 objects transformed, 1 failed"):
        transform("in", "out", "--url", stub.url, "--retries", "2")

    assert outputs(tmp_path / "out") == {"a.csv.out": b"1", "c.csv.out": b"3"}
    assert stub.bodies.count(b"bad") == 3
    log = capsys.readouterr().out
    assert (
        f":[sagemaker logs]: {tmp_path}/in/b.csv: Bad HTTP status received from algorithm: 500\n\n"
        "Message:\nwhat went wrong\n"
    ) in log


def test_a_later_request_that_fails_leaves_nothing(transform, stub, tmp_path):
    """Though the first ones were answered."""
    stub.answer = lambda body: (500, b"") if body == b"50\n" else (200, body)
    (tmp_path / "a.csv").write_text("".join(f"{n}\n" for n in range(100)))

    with pytest.raises(JobFailed):
        transform(
            "a.csv", "out", "--url", stub.url, *LINES, "--batch-strategy", "single-record",
            "--max-concurrent", "4", "--retries", "0",
        )  # fmt: skip
    assert outputs(tmp_path / "out") == {}


@pytest.mark.parametrize("status", [500, 503, 429, 0])
def test_what_may_pass_is_sent_again(transform, stub, tmp_path, status):
    """A 5xx, a 429, and a connection that breaks off."""
    answers = iter([(status, b"no"), (status, b"no"), (200, b"yes")])
    stub.answer = lambda body: next(answers)
    (tmp_path / "a.csv").write_text("1")

    transform("a.csv", "out", "--url", stub.url)

    assert outputs(tmp_path / "out") == {"a.csv.out": b"yes"}
    assert len(stub.bodies) == 3


def test_what_is_the_requests_fault_is_not_sent_again(transform, stub, tmp_path):
    """A 4xx would be the same another time."""
    stub.answer = lambda body: (422, b"row 1")
    (tmp_path / "a.csv").write_text("1")

    with pytest.raises(JobFailed, match="algorithm: 422"):
        transform("a.csv", "out", "--url", stub.url)
    assert len(stub.bodies) == 1


def test_a_container_that_does_not_answer_in_time(transform, stub, tmp_path, capsys):
    """InvocationsTimeoutInSeconds, once more for each retry."""
    end = threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        end.wait(60)
        return 200, body

    stub.answer = answer
    (tmp_path / "a.csv").write_text("1")
    try:
        with pytest.raises(JobFailed, match="Unable to get response from algorithm"):
            transform("a.csv", "out", "--url", stub.url, "--timeout", "1", "--retries", "0")
    finally:
        end.set()
    assert "Message:\nno answer within 1 s\n" in capsys.readouterr().out


def test_answers_that_are_too_few_fail_a_join(transform, stub, tmp_path):
    """They can't be lined up."""
    stub.answer = fields(1)
    (tmp_path / "a.csv").write_text("1\n2\n3\n")

    with pytest.raises(JobFailed, match="3 records were answered with 2 lines"):
        transform("a.csv", "out", "--url", stub.url, *JOINED)
    assert outputs(tmp_path / "out") == {}


def test_answers_that_are_too_few_are_told_without_a_join(transform, stub, tmp_path, capsys):
    """SageMaker would say nothing."""
    stub.answer = fields(1)
    (tmp_path / "a.csv").write_text("1\n2\n3\n")

    transform("a.csv", "out", "--url", stub.url, *LINES)

    assert "warning: " in (log := capsys.readouterr().out)
    assert "3 records from 1 on were answered with 2 lines" in log


def test_an_object_over_the_limit_fails(transform, stub, tmp_path):
    """With what to do."""
    (tmp_path / "a.csv").write_bytes(b"1\n" * 600_000)

    with pytest.raises(JobFailed, match=r"the object is larger .*MaxPayloadInMB=1.*--split-type"):
        transform("a.csv", "out", "--url", stub.url, "--max-payload", "1")
    assert stub.bodies == []


@pytest.mark.parametrize(
    ("answer", "words"), [((500, b"no"), "algorithm: 500"), ((0, b""), "Unable to get response")]
)
def test_a_chunked_request_that_fails(transform, stub, tmp_path, answer, words):
    """It is not sent again, and leaves nothing."""
    stub.answer = lambda body: answer
    (tmp_path / "a.csv").write_text("1")

    with pytest.raises(JobFailed, match=words):
        transform("a.csv", "out", "--url", stub.url, "--max-payload", "0")
    assert outputs(tmp_path / "out") == {}


class _Ended:
    """A container that has gone: nothing listens where it was."""

    log = None

    def __init__(self) -> None:
        self.connections = Connections("http://127.0.0.1:9")
        self.url = self.connections.url

    def ended(self) -> str | None:
        return "exit code 1"

    async def stop(self, seconds: float = 30.0) -> None:
        await self.connections.close()


def test_a_container_that_ends_takes_the_job_along(tmp_path, monkeypatch):
    """The objects that are left would fail one after the other."""
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("1")
    objects = find_objects(str(tmp_path))
    outputs = Outputs(str(tmp_path / "out"), tmp_path)
    settings = JobSettings(content_type="text/csv", retries=0)
    said: list[str] = []

    async def nothing(connections: Connections) -> dict[str, object]:
        return {}

    monkeypatch.setattr(batch_job, "execution_parameters", nothing)

    async def job() -> None:
        await batch_job.run_job(
            _Ended(),
            objects,
            outputs,
            FinishedOutputs(outputs, {}),
            settings,
            scratch=tmp_path,
            say=said.append,
            advanced=lambda read: None,
        )

    with pytest.raises(EndpointFailed, match=r"the container ended \(exit code 1\)"):
        asyncio.run(job())
    assert sum("Unable to get response" in line for line in said) == 1


@pytest.mark.parametrize("said", [b"no json", b"[1]"])
def test_a_container_that_suggests_nonsense(transform, stub, tmp_path, said):
    """It is told before anything is sent."""
    stub.parameters = said
    (tmp_path / "a.csv").write_text("1")

    with pytest.raises(UsageError, match="/execution-parameters is no JSON object"):
        transform("a.csv", "out", "--url", stub.url)
    assert stub.bodies == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("in", "out", "--data-type", "augmented-manifest-file"), "take no AugmentedManifestFile"),
        (("none", "out"), "not a folder"),
        (("in/a.csv", "in/a.csv"), "is a file: name a folder"),
        (("in", "in/out"), "lies in INPUT"),
        (("in", "in"), "lies in INPUT"),
        (("in", "out", "--accept", "text/csv\n"), "ASCII characters"),
        (("in", "out", "--image", "i", "--algorithm", "in"), "leave out --algorithm"),
        (("in", "http://host/out"), "to write to"),
        (("in", "out", "--env", "A"), "not NAME=VALUE"),
        (("in", "out", "--batch-strategy", "multi-record"), "it needs --split-type"),
        (("mixed", "out"), "several content types"),
        (("in", "out", "--url", "http://127.0.0.1:9", "--image", "i"), "leave out --image"),
        (("in", "out"), "holds no model: train one"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_starts(transform, tmp_path, arguments, words):
    """With what to do."""
    for name in ("in/a.csv", "in/b.csv", "mixed/a.csv", "mixed/a.jsonl", ".byo/model/m"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    if arguments == ("in", "out"):
        (tmp_path / ".byo/model/m").unlink()

    with pytest.raises(UsageError, match=words):
        transform(*arguments)
    assert not (tmp_path / "out").exists() or outputs(tmp_path / "out") == {}
