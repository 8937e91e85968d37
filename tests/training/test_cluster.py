"""Jobs of three hosts, each through the real `train`: how they succeed, and how they fail."""

from __future__ import annotations

import signal
import socket
import time

import pytest

from tests.training.clusters import HOSTS, LEADER, SECOND, THIRD, Cluster, one_host
from tests.training.jobs import DEADLINE

pytest.importorskip("distributed", reason="the extra `distributed` is not installed")
pytestmark = pytest.mark.slow

# In the model folder of the one host that has a model.
LEFT = {"SHA256SUMS", "model.joblib", "forest.joblib", "signature.json"}


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.end()


def test_a_search_runs_on_every_host_and_gives_the_model_of_one_host(cluster, tmp_path):
    """All hosts succeed, each has run tasks that need the user's module, one has the model."""
    cluster.submit("search")
    cluster.set(HOSTS_TO_MEET="3")
    cluster.start()

    codes = cluster.wait()

    assert codes == [0, 0, 0], cluster.logs
    assert all(job.succeeded for job in cluster.hosts.values())
    assert {file.name for file in cluster.seen.iterdir()} == set(HOSTS)
    assert cluster.model_files(LEADER) == LEFT
    assert cluster.model_files(SECOND) == cluster.model_files(THIRD) == set()
    assert cluster.left_processes() == []
    with one_host(tmp_path) as alone:
        assert alone.run() == 0, alone.log
        for name in ("model.joblib", "forest.joblib"):
            ours = (cluster.hosts[LEADER].base / "model" / name).read_bytes()
            assert ours == (alone.base / "model" / name).read_bytes()


def test_a_baked_in_algorithm_runs_on_every_host_with_dasks_own_client(cluster):
    """The algorithm folder is importable on workers, and a plain Client finds the scheduler."""
    cluster.bake_in("search")
    cluster.set(HOSTS_TO_MEET="3", PLAIN_DASK="1")
    cluster.start()

    codes = cluster.wait()

    assert codes == [0, 0, 0], cluster.logs
    assert {file.name for file in cluster.seen.iterdir()} == set(HOSTS)
    assert cluster.model_files(LEADER) == LEFT


def test_a_good_end_loses_no_data(cluster):
    """Workers that end with the job, and data with them, are no errors in the scheduler's log."""
    cluster.submit("publishes.py")
    cluster.start()

    codes = cluster.wait()

    assert codes == [0, 0, 0], cluster.logs
    assert "ERROR" not in cluster.logs


def test_the_search_ends_without_a_host_that_was_killed(cluster):
    """The others do its work, and the leader's log names it."""
    cluster.submit("search")
    cluster.set(WAIT="1")
    cluster.start()
    cluster.wait_for_tasks(*HOSTS)

    cluster.signal(SECOND, signal.SIGKILL)
    cluster.wait(SECOND)
    cluster.go()

    assert cluster.wait(LEADER, THIRD) == [0, 0], cluster.logs
    assert f"the host {SECOND} was lost" in cluster.log(LEADER)
    assert "model.joblib" in cluster.model_files(LEADER)
    assert cluster.left_processes() == []


def test_the_others_fail_when_the_leader_is_killed(cluster):
    """They have no outcome, and no scheduler's exit is mistaken for one."""
    cluster.submit("search")
    cluster.set(WAIT="1")
    cluster.start()
    cluster.wait_for_tasks(*HOSTS)

    cluster.signal(LEADER, signal.SIGKILL)
    codes = cluster.wait(SECOND, THIRD)

    assert codes == [1, 1]
    for name in (SECOND, THIRD):
        assert cluster.hosts[name].failure == f"the leader {LEADER} went away without an outcome"
    assert cluster.left_processes() == []


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        ("raises.py", 1, "ValueError: the column 'price' is missing (train.py:4)"),
        ("exits.py", 7, "train.py exited with code 7"),
    ],
)
def test_a_failure_of_the_script_is_that_of_every_host(cluster, script, code, reason):
    """The same text in every failure file, and the same exit code."""
    cluster.submit(script)
    cluster.start()

    codes = cluster.wait()

    assert codes == [code] * 3
    (failure,) = cluster.failures
    assert failure.startswith(reason)
    assert cluster.left_processes() == []


def test_a_host_that_never_joins_is_named(cluster):
    """The wait is bounded, and those that are there are told as well."""
    cluster.submit("search")
    cluster.set(BYO_CLUSTER_JOIN_SECONDS="12")
    cluster.start(LEADER, SECOND)

    codes = cluster.wait()

    assert codes == [1, 1]
    assert cluster.failures == {f"{THIRD} has not joined within 12 s"}
    assert cluster.left_processes() == []


def test_a_leader_that_never_comes_is_named(cluster):
    """A host alone gives up in time."""
    cluster.submit("search")
    cluster.set(BYO_CLUSTER_JOIN_SECONDS="1")
    cluster.start(SECOND)

    codes = cluster.wait()

    assert codes == [1]
    assert cluster.hosts[SECOND].failure.startswith(f"the leader {LEADER} could not be joined on")


def test_a_host_that_cannot_install_fails_the_job_at_once(cluster):
    """What went wrong on one host is what every host says."""
    cluster.submit("search")
    (cluster.folder / LEADER / "source" / "requirements.txt").write_text("numpy\n")
    constraint = cluster.folder / "constraint.txt"
    constraint.write_text("numpy==0.1\n")
    cluster.hosts[SECOND].environ["PIP_CONSTRAINT"] = str(constraint)
    cluster.start()

    codes = cluster.wait()

    reason = "pip could not install the submitted code: "
    assert codes == [1, 1, 1]
    assert cluster.hosts[SECOND].failure.startswith(reason)
    for name in (LEADER, THIRD):
        assert cluster.hosts[name].failure.startswith(f"{SECOND}: {reason}")


def test_a_task_that_kills_its_worker_fails_the_job_with_the_cause(cluster):
    """How the worker died comes first, before what Dask and scikit-learn make of it."""
    cluster.submit("search")
    cluster.set(POISON="1")
    cluster.start()

    codes = cluster.wait()

    assert codes == [1, 1, 1], cluster.logs
    (failure,) = cluster.failures
    assert failure.startswith("a task was lost with its worker: the worker process of 127.0.0.")
    assert "was killed by SIGSEGV (signal 11)" in failure
    assert cluster.left_processes() == []


@pytest.mark.parametrize("stopped", [HOSTS, (LEADER,)], ids=["all hosts", "the leader"])
def test_a_stopped_job_ends_on_every_host(cluster, stopped):
    """SageMaker sends SIGTERM to all; from the leader alone it is handed on as the outcome."""
    cluster.submit("search")
    cluster.set(WAIT="1")
    cluster.start()
    cluster.wait_for_tasks(*HOSTS)

    for name in stopped:
        cluster.signal(name, signal.SIGTERM)
    codes = cluster.wait()

    assert codes == [128 + signal.SIGTERM] * 3
    assert all(failure.startswith("stopped by SIGTERM") for failure in cluster.failures)
    assert cluster.left_processes() == []


def test_a_job_is_stopped_while_it_waits_for_its_hosts(cluster):
    """SIGTERM is heard before the script runs."""
    cluster.submit("search")
    cluster.start(LEADER)
    assert connected(LEADER, int(cluster.hosts[LEADER].environ["BYO_CLUSTER_PORT"]))

    cluster.signal(LEADER, signal.SIGTERM)

    assert cluster.wait() == [128 + signal.SIGTERM]
    assert cluster.hosts[LEADER].failure == "stopped by SIGTERM (signal 15)"
    assert cluster.left_processes() == []


def test_every_host_runs_the_script_where_no_cluster_is_wanted(cluster):
    """BYO_CLUSTER=false gives what SageMaker gives."""
    cluster.submit("ignores_the_cluster.py")
    cluster.set(BYO_CLUSTER="false")
    cluster.start()

    codes = cluster.wait()

    assert codes == [0, 0, 0]
    for name, job in cluster.hosts.items():
        assert (job.base / "model" / "host.txt").read_text() == name


def test_nothing_listens_beyond_the_hosts_own_addresses(cluster):
    """Scheduler, workers and control channel: each on the address of its own host."""
    psutil = pytest.importorskip("psutil")
    cluster.submit("search")
    cluster.set(WAIT="1")
    cluster.start()
    cluster.wait_for_tasks(*HOSTS)

    addresses = {
        (psutil.Process(pid).environ()["HOST_OF_TEST"], connection.laddr.ip)
        for pid in cluster.processes()
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    cluster.go()

    assert addresses == {(name, name) for name in HOSTS}
    assert cluster.wait() == [0, 0, 0]


def connected(host: str, port: int) -> bool:
    """Whether a stranger reaches the control channel before the deadline."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        try:
            socket.create_connection((host, port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
