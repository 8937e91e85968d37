"""Jobs on real Dask clusters: a scheduler and workers in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from byo.child_processes import child, with_packages
from byo.command_errors import EndpointFailed, UsageError
from byo.transform.on_cluster import cluster_job, clusters
from byo.transform.outputs import RECORD

DEADLINE = 120.0
BYO = (sys.executable, "-P", "-m", "byo")
DASK = (sys.executable, "-P", "-m", "dask")
LINES = ("--split-type", "line", "--assemble-with", "line", "--accept", "text/csv")
# Doubles each number, tells which process answers for which first number, and waits where it is
# told to. It fails where a line is no number.
INFERENCE = """
import os, time
from pathlib import Path

SEEN = Path({folder!r})


def model_fn(model_dir):
    with (SEEN / "loads").open("a") as file:
        file.write(f"{{os.getpid()}}\\n")
    return "a model"


def transform_fn(model, body, content_type, accept):
    lines = body.splitlines()
    with (SEEN / f"asked-{{int(lines[0])}}").open("a") as file:
        file.write(f"{{os.getpid()}}\\n")
    deadline = time.monotonic() + 100
    while (SEEN / f"hold-{{int(lines[0])}}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return "".join(f"{{2 * int(line)}}\\n" for line in lines), accept
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a model whose code tells what it does, and 1000 numbers to ask it for."""
    (tmp_path / "model/code").mkdir(parents=True)
    (tmp_path / "seen").mkdir()
    source = INFERENCE.format(folder=str(tmp_path / "seen"))
    (tmp_path / "model/code/inference.py").write_text(source)
    (tmp_path / "a.csv").write_text("".join(f"{n}\n" for n in range(1000)))
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `byo transform` of the file, in parts of 100 lines."""
    started = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*BYO, "transform", "a.csv", "out", *LINES, "--model", "model", *arguments],
            cwd=folder,
            env=with_packages(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, which are started again where they die."""
    with cluster(tmp_path_factory.mktemp("dask")) as (address, _):
        yield address


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of a scheduler with two workers."""
    file = folder / "scheduler.json"
    quiet = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]"}
    common = ("--no-dashboard", "--scheduler-file", str(file))
    lead = (*DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", *common)
    work = (*DASK, "worker", "--nthreads", "1", "--nworkers", "2", "--host", "127.0.0.1", *common)
    log = (folder / "log").open("wb")
    with log, child(lead, quiet, stdout=log) as leader:
        _wait_for(file)
        place = ("--local-directory", str(folder))
        with child((*work, *place), quiet, stdout=log):
            yield json.loads(file.read_text())["address"], leader.pid


def _wait_for(file: Path) -> str:
    deadline = time.monotonic() + DEADLINE
    while not file.exists() or not file.read_text().strip():
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.05)
    return file.read_text()


def _wait_for_parts(folder: Path, number: int) -> None:
    """Until the record has so many outputs."""
    record = folder / "out" / RECORD
    deadline = time.monotonic() + DEADLINE
    while record.read_bytes().count(b'"output"') < number:
        assert time.monotonic() < deadline, record.read_text()
        time.sleep(0.05)


def outputs(folder: Path) -> list[str]:
    """The contents of the parts, in the order of their names."""
    return [file.read_text() for file in sorted((folder / "out").glob("a.csv.part-*.out"))]


def doubled(start: int, stop: int) -> str:
    return "".join(f"{2 * n}\n" for n in range(start, stop))


def asked(folder: Path) -> dict[int, int]:
    """How often each part was asked for, by its first number."""
    return {
        int(file.name.removeprefix("asked-")): len(file.read_text().split())
        for file in (folder / "seen").glob("asked-*")
    }


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_part_only(folder, start, scheduler):
    """It is given to another worker; what is done is not done again; each loads the model once."""
    job = ("--scheduler", scheduler, "--rows-per-part", "100")
    (folder / "seen/hold-300").touch()
    running = start(*job)
    victim = int(_wait_for(folder / "seen/asked-300"))
    _wait_for_parts(folder, 9)
    os.kill(victim, signal.SIGKILL)
    (folder / "seen/hold-300").unlink()
    said, _ = running.communicate(timeout=DEADLINE)

    assert running.returncode == 0, said
    assert "Completed: 10 parts transformed, 1000 records" in said
    assert outputs(folder) == [doubled(n, n + 100) for n in range(0, 1000, 100)]
    assert asked(folder) == {n: 2 if n == 300 else 1 for n in range(0, 1000, 100)}
    loads = (folder / "seen/loads").read_text().split()
    assert len(loads) == len(set(loads))
    assert not list((folder / "out").glob(".*part"))


@pytest.mark.slow
def test_a_leader_that_is_killed_goes_on_by_the_record(folder, start, scheduler):
    """Parts that were noted are skipped."""
    job = ("--scheduler", scheduler, "--rows-per-part", "100")
    (folder / "seen/hold-900").touch()
    running = start(*job)
    _wait_for(folder / "seen/asked-900")
    _wait_for_parts(folder, 9)
    running.kill()
    running.communicate()
    (folder / "seen/hold-900").unlink()

    again = start(*job)
    said, _ = again.communicate(timeout=DEADLINE)

    assert again.returncode == 0, said
    assert "1 parts transformed, 9 were done already" in said
    assert outputs(folder) == [doubled(n, n + 100) for n in range(0, 1000, 100)]
    assert all(times == 1 for number, times in asked(folder).items() if number != 900)


@pytest.mark.slow
def test_hosts_of_this_machine_and_a_part_that_fails(folder, start):
    """The others are there, and the job is Failed with what the model said."""
    lines = (folder / "a.csv").read_text().replace("\n555\n", "\nno number\n")
    (folder / "a.csv").write_text(lines)

    running = start("--hosts", "2", "--rows-per-part", "250")
    said, _ = running.communicate(timeout=DEADLINE)

    assert running.returncode == 1, said
    assert "a.csv.part-00002.out: records 501 to 750: the model answered with 500" in said
    assert "3 parts transformed, 1 failed" in said
    assert outputs(folder) == [doubled(0, 250), doubled(250, 500), doubled(750, 1000)]


@pytest.mark.slow
def test_a_part_that_does_not_come_to_its_end_is_named(folder, transform, scheduler, monkeypatch):
    """Once no other has come to its end for long; those that have are there."""
    monkeypatch.setattr(cluster_job, "PART_SECONDS", 5.0)
    (folder / "seen/hold-300").touch()
    job = ("--scheduler", scheduler, "--rows-per-part", "100")

    with pytest.raises(
        EndpointFailed, match=r"no part was done for 5 s: a\.csv\.part-00003\.out of"
    ):
        transform("a.csv", "out", *LINES, "--model", "model", *job)

    (folder / "seen/hold-300").unlink()
    assert len(outputs(folder)) == 9
    assert transform("a.csv", "out", *LINES, "--model", "model", *job) == 0
    assert outputs(folder) == [doubled(n, n + 100) for n in range(0, 1000, 100)]


@pytest.mark.slow
def test_a_scheduler_that_is_killed_ends_the_job(folder, start, tmp_path_factory):
    """In a line that says what is left; another one goes on with that."""
    (folder / "seen/hold-300").touch()
    with cluster(tmp_path_factory.mktemp("dask")) as (address, leader):
        running = start("--scheduler", address, "--rows-per-part", "100")
        _wait_for(folder / "seen/asked-300")
        _wait_for_parts(folder, 9)
        os.kill(leader, signal.SIGKILL)
        said, _ = running.communicate(timeout=DEADLINE)

    assert running.returncode == 1, said
    assert "connection to the scheduler is lost: a.csv.part-00003.out of 10 are left" in said
    assert "Traceback" not in said
    assert len(outputs(folder)) == 9


def test_a_scheduler_that_is_not_there(folder, transform, monkeypatch):
    """It is told, in bounded time."""
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 0.5)

    with pytest.raises(
        EndpointFailed, match=r"the scheduler tcp://127\.0\.0\.1:9 can't be reached"
    ):
        transform("a.csv", "out", *LINES, "--model", "model", "--scheduler", "tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--hosts", "0"), "1 to 64 workers"),
        (("--hosts", "2", "--scheduler", "tcp://h:1"), "choose"),
        (("--hosts", "2", "--url", "http://127.0.0.1:9"), "names a server"),
        (("--hosts", "2", "--image", "i"), "names a server"),
        (("--hosts", "2", "--max-concurrent", "2"), "--max-concurrent is about requests"),
        (("--hosts", "2", "--retries", "1"), "--retries is about requests"),
        (("--hosts", "2", "--max-payload", "0"), "chunks of HTTP"),
        (("--hosts", "2", "--rows-per-part", "0"), "from 1 on"),
    ],
)
def test_what_a_cluster_can_not_do_is_refused(transform, folder, arguments, words):
    """Before anything is started."""
    with pytest.raises(UsageError, match=words):
        transform("a.csv", "out", *arguments)
