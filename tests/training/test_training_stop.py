"""Stop means stop: whatever a job is doing, and however it is ended, no process of it is left."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.jobs import DEADLINE, FIXTURES, LAUNCH, TRAIN, environment, read_until

pytestmark = pytest.mark.slow
UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture(params=[(TRAIN,), LAUNCH], ids=["train", "launch"])
def stoppable_job(request, job, fifo):
    job.command = request.param
    job.environ["FIFO"] = str(fifo)
    return job


def read_fifo(fifo: Path, process: subprocess.Popen[str]) -> int:
    """The FIFO, open for reading, once somebody has written to it."""
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    ready, _, _ = select.select([reading], [], [], DEADLINE)
    assert ready, process.poll()
    return reading


def wait_for_end(reading: int) -> None:
    """Wait until no process holds the FIFO open for writing."""
    until = time.monotonic() + DEADLINE
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, until - time.monotonic()))
        assert ready, "a process that holds the FIFO is still there"
        if not os.read(reading, 4096):
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("script", ["has_child.py", "has_hidden_child.py"])
def test_a_stopped_job_leaves_no_process(job, fifo, held_open, script, number):
    """Children end with the script, also one in a session of its own whose parent is gone."""
    job.submit(script)
    job.hyperparameters["fifo"] = str(fifo)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    read_until(process.stdout.fileno(), "there")
    held = held_open()

    process.send_signal(number)
    code = process.wait(DEADLINE)

    # What the script's own child may print is not ours.
    said = process.stdout.read()
    assert "Framework Error" not in said
    assert f'{script}", line' not in said
    assert held
    assert not held_open()
    assert code == 128 + number
    assert job.failure.startswith(
        f"stopped by {number.name} (signal {number}) before {script} finished"
    )


@pytest.mark.parametrize("script", ["has_child.py", "has_hidden_child.py"])
def test_a_killed_job_leaves_no_process(job, fifo, script):
    """Nobody is left to clean up when `train` itself is killed, and yet it is done."""
    job.submit(script)
    job.hyperparameters["fifo"] = str(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    read_until(process.stdout.fileno(), "there")

    process.kill()

    wait_for_end(reading)
    os.close(reading)


def test_a_killed_subreaper_takes_the_script_with_it(job, fifo, held_open):
    """Out of memory the kernel may kill any process: even this one leaves nothing behind."""
    job.submit("has_hidden_child.py")
    job.hyperparameters["fifo"] = str(fifo)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    read_until(process.stdout.fileno(), "there")
    (subreaper,) = children(process.pid)

    os.kill(subreaper, signal.SIGKILL)
    code = process.wait(DEADLINE)

    assert code == 137
    assert not held_open()
    assert job.failure.startswith("has_hidden_child.py was killed by SIGKILL (signal 9)")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_stops_while_pip_installs(stoppable_job, fifo, number):
    """pip and all that it has started end, and the reason is told."""
    job = stoppable_job
    job.submit("slow_install", program="train.py")
    job.environ["PIP_NO_BUILD_ISOLATION"] = "false"
    job.environ["PIP_USE_PEP517"] = "true"
    process = job.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reading = read_fifo(fifo, process)

    process.send_signal(number)
    code = process.wait(DEADLINE)

    assert code == 128 + number
    assert job.failure == f"stopped by {number.name} (signal {number}) before the script started"
    wait_for_end(reading)
    os.close(reading)


@pytest.mark.parametrize(
    ("command", "read_before"),
    [(LAUNCH, 0), (LAUNCH, 1), (LAUNCH, 2), ((TRAIN,), 1)],
    ids=["the check", "the toolkit", "main by launch", "main by train"],
)
def test_a_job_stops_while_it_is_read(job, command, read_before):
    """A file of the job that doesn't come: its readers are stopped one after the other."""
    job.submit("quiet_success.py")
    job.command = command
    config = job.base / "input" / "config"
    config.mkdir(parents=True)
    resources = config / "resourceconfig.json"
    os.mkfifo(resources)
    (config / "inputdataconfig.json").write_text("{}")
    (config / "hyperparameters.json").write_text(json.dumps(job.hyperparameters))
    process = job.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(read_before):
        with resources.open("w") as stream:
            # The next reader is to open a FIFO of its own.
            resources.rename(config / "read.json")
            os.mkfifo(resources)
            stream.write('{"current_host": "localhost", "hosts": ["localhost"]}')
    with resources.open("w"):  # until the reader has opened it as well
        process.terminate()
        code = process.wait(DEADLINE)

    assert code == 143
    assert job.failure == "stopped by SIGTERM (signal 15) before the script started"


def test_a_job_stops_while_its_code_is_fetched(stoppable_job, fifo):
    """An archive that doesn't come, as from a bucket that doesn't answer."""
    job = stoppable_job
    job.hyperparameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": str(fifo),
    }
    process = job.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with fifo.open("w"):  # until the toolkit has opened it as well
        process.terminate()
        code = process.wait(DEADLINE)

    assert code == 143
    assert job.failure == "stopped by SIGTERM (signal 15) before the script started"


def test_who_never_gets_to_the_end_of_cleaning_up_is_ended():
    """The reason is told first."""
    process = subprocess.Popen(
        [sys.executable, FIXTURES / "cleans_for_ever.py"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    read_until(process.stdout.fileno(), "waiting")

    process.terminate()
    told, _ = process.communicate(timeout=DEADLINE)

    assert told == "stopped by SIGTERM (signal 15) before the script started\n"
    assert process.returncode == 143


@pytest.mark.parametrize("fetching", [False, True], ids=["running", "fetching"])
@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0,
    reason="a PID namespace of its own, which makes `train` PID 1, is not allowed here",
)
def test_a_job_stops_as_pid_1(stoppable_job, fifo, fetching):
    """As the first process of a container, to which the kernel brings only handled signals."""
    job = stoppable_job
    if fetching:
        job.submit("slow_install", program="train.py")
        job.environ |= {"PIP_NO_BUILD_ISOLATION": "false", "PIP_USE_PEP517": "true"}
    else:
        job.submit("has_hidden_child.py")
        job.hyperparameters["fifo"] = str(fifo)
    job.command = (*UNSHARE, *job.command)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if fetching:
        os.close(reading)
        reading = read_fifo(fifo, process)
    else:
        read_until(process.stdout.fileno(), "there")
    (first,) = children(process.pid)

    os.kill(first, signal.SIGTERM)
    code = process.wait(DEADLINE)

    assert code == 143
    assert job.failure.startswith("stopped by SIGTERM (signal 15) before ")
    wait_for_end(reading)
    os.close(reading)


def test_a_job_that_ignores_the_request_to_stop_is_killed(job):
    """The grace period ends with SIGKILL, and the failure file says so."""
    job.submit("stubborn.py")
    job.environ["BYO_STOP_GRACE"] = "0"
    process = job.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    read_until(process.stdout.fileno(), "ignoring")

    process.terminate()
    code = process.wait(DEADLINE)

    assert code == 137
    assert job.failure == (
        "stopped by SIGTERM (signal 15) before stubborn.py finished; "
        "it went on after that and was killed"
    )


def test_a_supervised_script_that_ignores_the_request_to_stop_is_killed():
    """The supervisor alone: how it tells of a script that had to be killed."""
    process = subprocess.Popen(
        [sys.executable, "supervise.py", "stubborn.py"],
        cwd=FIXTURES,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    read_until(process.stdout.fileno(), "ignoring")

    process.terminate()
    ending, _ = process.communicate(timeout=DEADLINE)

    assert f"returncode={-signal.SIGKILL}" in ending
    assert f"stopped_by={signal.SIGTERM:d}, overdue=True" in ending


def test_a_script_leaves_no_process_when_it_ends_well(job, fifo, held_open):
    """What the script started ends with it, and the job succeeds."""
    job.submit("leaves_child.py")
    job.hyperparameters["fifo"] = str(fifo)

    code = job.run()

    assert code == 0, job.log
    assert not held_open()


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]
