"""The command in a process of its own: killed, interrupted, on the real server, on S3."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from byo.child_processes import with_packages
from byo.command_errors import UsageError
from byo.objects.s3_store import _client
from byo.transform.outputs import RECORD
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked
from tests.transform.stub_container import Stub

DEADLINE = 120.0
BYO = (sys.executable, "-P", "-m", "byo", "transform")
LINES = ("--split-type", "line", "--assemble-with", "line", "--accept", "text/csv")
PEAK = """
import sys
from byo.cli.main import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("peak", peak.split()[1])
sys.exit(code)
"""


def start(folder: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*BYO, *arguments],
        cwd=folder,
        env=with_packages({**os.environ, **environ}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(folder: Path, *arguments: str, code: int = 0, **environ: str) -> str:
    """What a run printed that ended with a code."""
    with start(folder, *arguments, **environ) as running:
        said, _ = running.communicate(timeout=DEADLINE)
    assert running.returncode == code, said
    return said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_run_that_is_ended_leaves_whole_outputs_alone(tmp_path, stub: Stub, number, code):
    """And the next one goes on."""
    held, asked = threading.Event(), threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        if body == b"b\n2\n":
            asked.set()
            held.wait(DEADLINE)
        return 200, body

    stub.answer = answer
    (tmp_path / "in").mkdir()
    for name in "abc":
        (tmp_path / "in" / f"{name}.csv").write_text(f"{name}\n2\n")
    job = ("in", "out", "--url", stub.url, *LINES)

    with start(tmp_path, *job) as running:
        assert asked.wait(DEADLINE)
        running.send_signal(number)
        running.communicate(timeout=DEADLINE)
    held.set()
    assert running.returncode == code
    left = {file.name for file in (tmp_path / "out").iterdir() if not file.name.startswith(".")}
    assert left == {"a.csv.out"}

    stub.bodies.clear()
    said = finished(tmp_path, *job)
    assert "2 objects transformed, 1 were done already" in said
    assert stub.bodies == [b"b\n2\n", b"c\n2\n"]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        RECORD, "a.csv.out", "b.csv.out", "c.csv.out",
    }  # fmt: skip


def test_one_run_at_a_time_writes_to_a_folder(tmp_path, stub: Stub):
    """The second one is refused."""
    held, asked = threading.Event(), threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        asked.set()
        held.wait(DEADLINE)
        return 200, body

    stub.answer = answer
    (tmp_path / "a.csv").write_text("1\n")
    job = ("a.csv", "out", "--url", stub.url)
    with start(tmp_path, *job) as running:
        assert asked.wait(DEADLINE)
        said = finished(tmp_path, *job, code=2)
        held.set()
        running.communicate(timeout=DEADLINE)
    assert "another byo transform writes to" in said
    assert running.returncode == 0


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(tmp_path, stub: Stub):
    """Ten times as many rows, also joined, take about as much."""
    peaks = []
    for number in (30_000, 300_000):
        file = tmp_path / f"{number}.csv"
        file.write_bytes(b"1.2345,2.3456,3.4567,4.5678,5.6789,6.7891,7.8912,8.9123\n" * number)
        command = [sys.executable, "-P", "-c", PEAK, "transform", file.name, "out", *LINES]
        done = subprocess.run(
            [*command, "--join", "input", "--max-payload", "1", "--url", stub.url],
            cwd=tmp_path,
            env=with_packages(os.environ),
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE,
        )
        peaks.append(int(done.stdout.split()[-1]))
        stub.bodies.clear()
    assert peaks[1] - peaks[0] < 10 * 1024, f"{peaks} KB"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gives the sum of its two columns."""
    folder = tmp_path_factory.mktemp("m") / "model"
    folder.mkdir()
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    joblib.dump(LinearRegression().fit(X, X.sum(axis=1)), folder / "model.joblib")
    return folder


@pytest.mark.slow
def test_the_real_server(tmp_path, model):
    """Its own execution parameters count, and a join lines up; a bad row fails its file alone."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.csv").write_text("".join(f"id{n},{n},{n}\n" for n in range(5000)))
    (tmp_path / "in/b.csv").write_text("id0,1,2\nid1,text,3\n")

    said = finished(
        tmp_path, "in", "out", "--model", str(model), *LINES, "--max-payload", "1",
        "--input-filter", "$[1:]", "--join", "input", "--output-filter", "$[0,-1]", code=1,
    )  # fmt: skip

    rows = [line.split(",") for line in (tmp_path / "out/a.csv.out").read_text().splitlines()]
    assert [row[0] for row in rows] == [f"id{n}" for n in range(5000)]
    assert [round(float(row[1])) for row in rows] == [2 * n for n in range(5000)]
    assert not (tmp_path / "out/b.csv.out").exists()
    assert re.search(r"MaxConcurrentTransforms=\d+, MaxPayloadInMB=1, BatchStrategy=MULTI", said)
    assert "in/b.csv: Bad HTTP status received from algorithm: 422\n\nMessage:\n" in said
    assert "the job is Failed: 1 objects transformed, 1 failed" in said.splitlines()[-1]


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 server."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv, which makes moto's environment")
    with moto_server(locked("moto"), "127.0.0.1", tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


@pytest.fixture
def s3(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """boto3's client of that server, with a bucket, and nothing of this machine's settings."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    settings = {
        "AWS_ENDPOINT_URL_S3": s3_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = _client()
    client.create_bucket(Bucket="birds")
    return client


@pytest.mark.slow
def test_objects_of_s3(tmp_path, stub: Stub, s3, transform, capsys):
    """A prefix and a manifest; outputs and the record are objects; the log names keys."""
    for key in ("in/2026/a.csv", "in/2026/b.csv", "in/2027/c.csv", "other/d.csv"):
        s3.put_object(Bucket="birds", Key=key, Body=f"{key}\n".encode())
    manifest = [{"prefix": "s3://birds/in/"}, "2027/c.csv"]
    s3.put_object(Bucket="birds", Key="m.json", Body=json.dumps(manifest).encode())
    job = ("s3://birds/in/2026/", "s3://birds/out", "--url", stub.url, *LINES)

    transform(*job)
    transform("s3://birds/m.json", "s3://birds/out", *job[2:], "--data-type", "manifest-file")

    listed = {
        one["Key"]: s3.get_object(Bucket="birds", Key=one["Key"])["Body"].read()
        for one in s3.list_objects_v2(Bucket="birds", Prefix="out/")["Contents"]
    }
    record = listed.pop(f"out/{RECORD}")
    assert listed == {
        "out/a.csv.out": b"in/2026/a.csv\n",
        "out/b.csv.out": b"in/2026/b.csv\n",
        "out/2027/c.csv.out": b"in/2027/c.csv\n",
    }
    assert record.count(b'"output"') == 3

    with pytest.raises(UsageError, match="lies in INPUT"):
        transform("s3://birds/in", "s3://birds/in-out", *job[2:])

    stub.bodies.clear()
    stub.answer = lambda body: (422, b"no")
    s3.put_object(Bucket="birds", Key="in/2026/b.csv", Body=b"new\n")
    with pytest.raises(Exception, match="1 failed"):
        transform(*job)
    assert stub.bodies == [b"new\n"]
    log = capsys.readouterr().out
    assert "birds/in/2026/b.csv: again, as the input has changed" in log
    assert "birds/in/2026/b.csv: Bad HTTP status received from algorithm: 422" in log
