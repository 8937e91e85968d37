"""Whole jobs against a container that does what a test says."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from pathlib import Path

import pytest

from byo.command_errors import EndpointFailed, JobFailed, UsageError
from byo.served_container import Connections
from byo.transform import batch_job, invoking
from byo.transform.container_environment import transform_environ
from byo.transform.finished_outputs import FinishedOutputs
from byo.transform.input_objects import find_objects
from byo.transform.job_settings import JobSettings
from byo.transform.outputs import RECORD, Outputs
from tests.transform.framing import recordio, tfrecord
from tests.transform.stub_container import Stub

LINES = ("--split-type", "line", "--assemble-with", "line", "--accept", "text/csv")
JOINED = (*LINES, "--join", "input")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(invoking, "PAUSE_SECONDS", 0.0)


def fields(number: int):
    """Answers each line with the number of its fields, `number` of such lines too many."""

    def answer(body: bytes) -> tuple[int, bytes]:
        lines = body.decode().splitlines()
        return 200, "".join(f"{line.count(',') + 1}\n" for line in lines[: len(lines) - number])

    return lambda body: (200, answer(body)[1].encode())


def outputs(folder: Path) -> dict[str, bytes]:
    """What a job has left, but for its record."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != RECORD
    }


def test_a_file_is_one_request_where_it_is_not_split(transform, stub, tmp_path):
    """SplitType None; the headers are those of the job alone."""
    (tmp_path / "a.csv").write_bytes(b"1,2\n3,4\n")

    assert transform("a.csv", "out", "--url", stub.url, "--accept", "text/csv") == 0

    assert outputs(tmp_path / "out") == {"a.csv.out": b"1,2\n3,4\n"}
    assert stub.bodies == [b"1,2\n3,4\n"]
    sent = stub.headers[0]
    assert (sent["content-type"], sent["accept"]) == ("text/csv", "text/csv")
    assert set(sent) == {"host", "content-type", "accept", "content-length"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1,2\n",
        b"1,2",
        b"1,2\r\n3,4\r\n",
        "ä,ö\n\u2028,\U0001f600\n".encode(),
        b"1\n" * 5000,
    ],
)
def test_lines_come_back_as_they_were(transform, stub, tmp_path, body):
    """In order, none lost, whatever ends them."""
    (tmp_path / "a.csv").write_bytes(body)

    transform("a.csv", "out", "--url", stub.url, *LINES)

    ended = body if body.endswith(b"\n") or not body else body + b"\n"
    assert outputs(tmp_path / "out") == {"a.csv.out": ended}


def test_order_is_kept_though_answers_come_in_another(transform, stub, tmp_path):
    """The first request is answered last, and four are under way at once."""
    together, others = threading.Barrier(4), threading.Barrier(3)
    answered = threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        if body in (b"0\n", b"1\n", b"2\n", b"3\n"):
            together.wait(30)
            if body == b"0\n":
                assert answered.wait(30)
            elif others.wait(30) == 0:
                answered.set()
        return 200, body

    stub.answer = answer
    (tmp_path / "a.csv").write_text("".join(f"{n}\n" for n in range(100)))

    transform(
        "a.csv", "out", "--url", stub.url, *LINES, "--batch-strategy", "single-record",
        "--max-concurrent", "4",
    )  # fmt: skip

    assert (tmp_path / "out/a.csv.out").read_text() == "".join(f"{n}\n" for n in range(100))
    assert stub.most_at_once == 4
    assert len(stub.bodies) == 100


def test_many_records_fill_a_request(transform, stub, tmp_path):
    """MultiRecord: as many lines as fit into a megabyte."""
    line = b"x" * 1023 + b"\n"
    (tmp_path / "a.csv").write_bytes(line * 2500)

    transform("a.csv", "out", "--url", stub.url, *LINES, "--max-payload", "1")

    assert [len(body) for body in stub.bodies] == [1024 * 1024, 1024 * 1024, 452 * 1024]
    assert (tmp_path / "out/a.csv.out").read_bytes() == line * 2500


def test_a_folder_keeps_its_shape(transform, stub, tmp_path):
    """Each object has an output of its own, below the same folders."""
    for name in ("b.csv", "x/a.csv", "x/y/c.csv"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(name)

    transform("in", "out", "--url", stub.url, "--max-concurrent", "3")

    names = ["b.csv", "x/a.csv", "x/y/c.csv"]
    assert outputs(tmp_path / "out") == {f"{name}.out": name.encode() for name in names}


def test_gzip_is_unpacked(transform, stub, tmp_path):
    """CompressionType Gzip; the output is not packed."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"1\n2\n"))

    transform("a.csv.gz", "out", "--url", stub.url, *LINES, "--compression", "gzip")

    assert outputs(tmp_path / "out") == {"a.csv.gz.out": b"1\n2\n"}


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"1\n2\n", "no whole gzip file"), (gzip.compress(b"1\n" * 100)[:-6], "no whole gzip file")],
)
def test_what_is_no_gzip_fails(transform, stub, tmp_path, capsys, body, words):
    """It leaves nothing."""
    (tmp_path / "a.csv").write_bytes(body)

    with pytest.raises(JobFailed, match=words):
        transform("a.csv", "out", "--url", stub.url, *LINES, "--compression", "gzip")
    assert outputs(tmp_path / "out") == {}


def test_the_container_decides_what_is_not_set(transform, stub, tmp_path, capsys):
    """By GET /execution-parameters, as the log says."""
    stub.parameters = {"MaxConcurrentTransforms": 4, "MaxPayloadInMB": 1,
                       "BatchStrategy": "SINGLE_RECORD"}  # fmt: skip
    (tmp_path / "a.csv").write_bytes(b"1\n2\n3\n")

    transform("a.csv", "out", "--url", stub.url, *LINES)

    assert sorted(stub.bodies) == [b"1\n", b"2\n", b"3\n"]
    assert (
        ":[sagemaker logs]: MaxConcurrentTransforms=4, MaxPayloadInMB=1, "
        "BatchStrategy=SINGLE_RECORD\n"
    ) in capsys.readouterr().out


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


def test_filters_and_the_join(transform, stub, tmp_path):
    """What is left out of requests stands beside their answers."""
    stub.answer = fields(0)
    (tmp_path / "a.csv").write_text("id1,1,2\nid2,3,4\n")

    transform(
        "a.csv", "out", "--url", stub.url, *JOINED, "--input-filter", "$[1:]",
        "--output-filter", "$[0,-1]",
    )  # fmt: skip

    assert stub.bodies == [b"1,2\n3,4\n"]
    assert outputs(tmp_path / "out") == {"a.csv.out": b"id1,2\nid2,2\n"}


def test_the_join_of_json_lines(transform, stub, tmp_path):
    """Each object has its answer as a member."""
    stub.answer = lambda body: (200, b"".join(b"[%d]\n" % len(x) for x in body.splitlines()))
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"a": "é"}\n')
    kind = ("--accept", "application/jsonlines")

    transform("a.jsonl", "out", "--url", stub.url, *LINES[:4], *kind, "--join", "input")

    lines = (tmp_path / "out/a.jsonl.out").read_text().splitlines()
    assert [json.loads(line)["SageMakerOutput"] for line in lines] == [[8], [11]]


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


@pytest.mark.parametrize(("split", "write"), [("recordio", recordio), ("tfrecord", tfrecord)])
def test_binary_records(transform, stub, tmp_path, split, write):
    """Several keep their frames, one has none."""
    body = write(b"abc") + write(b"defgh")
    (tmp_path / "a.bin").write_bytes(body)
    common = ("a.bin", "out", "--url", stub.url, "--content-type", "application/x-any")

    transform(*common, "--split-type", split)
    transform(*common, "--split-type", split, "--batch-strategy", "single-record")

    assert stub.bodies == [body, b"abc", b"defgh"]
    assert outputs(tmp_path / "out") == {"a.bin.out": b"abcdefgh"}


def test_a_whole_object_in_chunks(transform, stub, tmp_path):
    """MaxPayloadInMB 0: of any size, by chunked transfer encoding."""
    body = b"0123456789" * 200_000
    (tmp_path / "a.csv").write_bytes(body)

    transform("a.csv", "out", "--url", stub.url, "--max-payload", "0")

    assert stub.headers[0]["transfer-encoding"] == "chunked"
    assert stub.headers[0].keys() == {"host", "content-type", "transfer-encoding"}
    assert stub.bodies == [body]
    assert outputs(tmp_path / "out") == {"a.csv.out": body}


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


def test_a_manifest_lists_objects(transform, stub, tmp_path):
    """ManifestFile: a prefix, and what follows it."""
    (tmp_path / "in/x").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "x/c.csv"):
        (tmp_path / "in" / name).write_text(name)
    (tmp_path / "m.json").write_text(json.dumps([{"prefix": "in/"}, "x/c.csv", "a.csv"]))
    (tmp_path / "wrong.json").write_text(json.dumps([{"prefix": "in/"}, "none.csv"]))
    (tmp_path / "twice.json").write_text(json.dumps([{"prefix": "in/"}, "a.csv", "a.csv"]))
    (tmp_path / "form.json").write_text(json.dumps({"prefix": "in/"}))
    kind = ("out", "--url", stub.url, "--data-type", "manifest-file")

    transform("m.json", *kind)

    assert outputs(tmp_path / "out") == {"a.csv.out": b"a.csv", "x/c.csv.out": b"x/c.csv"}
    for name, words in (
        ("wrong.json", "is listed and does not exist"), ("twice.json", "lists a.csv twice"),
        ("form.json", "not of the form"), ("none.json", "no file or object"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            transform(name, *kind)


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


def test_a_second_run_does_what_is_left(transform, stub, tmp_path, capsys):
    """And says why it does again what it does again."""
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / "in" / name).write_text(name)
    stub.answer = lambda body: (500, b"") if body == b"b.csv" else (200, body)
    job = ("in", "out", "--url", stub.url, "--retries", "0")
    with pytest.raises(JobFailed):
        transform(*job)
    stub.answer = Stub().answer
    stub.bodies.clear()

    transform(*job)
    assert stub.bodies == [b"b.csv"]
    assert "1 objects transformed, 2 were done already" in capsys.readouterr().out

    (tmp_path / "in/a.csv").write_text("new")
    (tmp_path / "out/c.csv.out").write_text("edited")
    (tmp_path / "out/b.csv.out").unlink()
    stub.bodies.clear()
    transform(*job)
    assert sorted(stub.bodies) == [b"b.csv", b"c.csv", b"new"]
    log = capsys.readouterr().out
    assert "a.csv: again, as the input has changed" in log
    assert "c.csv: again, as the output has changed" in log

    stub.bodies.clear()
    transform(*job, "--accept", "text/csv", "--assemble-with", "line")
    assert len(stub.bodies) == 3
    assert "again, as the job was another: accept, assemble" in capsys.readouterr().out


def test_a_record_that_is_cut_short_is_read_as_far_as_it_goes(transform, stub, tmp_path):
    """As a job leaves it that is killed while it writes."""
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "b.csv").write_text("2")
    transform("a.csv", "out", "--url", stub.url)
    with (tmp_path / "out" / RECORD).open("ab") as record:
        record.write(b'{"output": "b.c')

    transform("a.csv", "out", "--url", stub.url)
    transform("b.csv", "out", "--url", stub.url)
    transform("b.csv", "out", "--url", stub.url)

    assert stub.bodies == [b"1", b"2"]


@pytest.mark.parametrize(
    ("arguments", "body", "words"),
    [
        (LINES, "a,b\n1,2\n3,4\n", "the first line looks like a header (a,b)"),
        (LINES, '1,"x\ny"\n2,z\n', 'line 1 has an odd number of "'),
        (LINES, "1\n\n2\n", "line 2 is blank"),
        ((), "1\n" * 3_200_000, "it can't be sent: the object is larger"),
        ((), "1\n2\n", "--accept is not set"),
        (LINES[:2], "1\n2\n", "--assemble-with none: answers follow each other"),
        ((), "1\n" * 3_200_000, "the object will fail; --split-type line"),
    ],
)
def test_explain_shows_requests_and_what_bites(transform, tmp_path, capsys, arguments, body, words):
    """Nothing is started and nothing written."""
    (tmp_path / "a.csv").write_text(body)

    assert transform("a.csv", "out", "--explain", *arguments) == 0

    said = capsys.readouterr().out
    assert words in said
    assert not (tmp_path / "out").exists()
    if arguments == LINES:
        assert "POST /invocations" in said
        assert "  content-type: text/csv\n  accept: text/csv\n" in said


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


def test_a_container_is_told_of_its_job():
    """By SageMaker's variables; what the job leaves to it is not set."""
    assert transform_environ({"A": "1"}, JobSettings()) == {"A": "1", "SAGEMAKER_BATCH": "true"}
    settings = JobSettings(split="Line", strategy="MultiRecord", max_payload=0, max_concurrent=5)
    assert transform_environ({}, settings, ["X=a=b"]) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0",
        "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "5",
        "X": "a=b",
    }
    with pytest.raises(UsageError, match="16 variables, not 17"):
        transform_environ({}, settings, [f"X{n}=1" for n in range(17)])


@pytest.mark.parametrize("said", [b"no json", b"[1]"])
def test_a_container_that_suggests_nonsense(transform, stub, tmp_path, said):
    """It is told before anything is sent."""
    stub.parameters = said
    (tmp_path / "a.csv").write_text("1")

    with pytest.raises(UsageError, match="/execution-parameters is no JSON object"):
        transform("a.csv", "out", "--url", stub.url)
    assert stub.bodies == []
