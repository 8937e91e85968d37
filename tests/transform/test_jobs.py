"""Whole jobs against a container that does what a test says."""

from __future__ import annotations

import gzip
import json
import threading

import pytest

from byo.command_errors import UsageError
from byo.transform.container_environment import transform_environ
from byo.transform.job_settings import JobSettings
from tests.transform.framing import recordio, tfrecord
from tests.transform.jobs import JOINED, LINES, fields, outputs


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
