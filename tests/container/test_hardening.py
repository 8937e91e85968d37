"""Containers with fewer rights, writable places and users than the engine gives by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from byo.tree.job_tree import sample_job
from contract import Paths
from tests.container.conftest import ALGORITHM
from tests.container.engine import mount, run, serving
from tests.container.jobs import FIXTURES, failure, job, train
from tests.container.models import AS_CSV, PENGUINS

READ_ONLY = ["--read-only", "--tmpfs", "/tmp"]
# A user and a group that the image does not know.
STRANGER = ["--user", "12345:12345"]
FEW_RIGHTS = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
# As on a serverless endpoint: an unknown user, who can write to /tmp alone.
STRICTEST = [*READ_ONLY, *FEW_RIGHTS, *STRANGER, "--shm-size", "64m"]
SERVING = {
    "read-only root": READ_ONLY,
    "no capabilities": FEW_RIGHTS,
    "unknown user of the group root": ["--user", "12345:0"],
    "all of it": STRICTEST,
}
TRAINING = {"no capabilities": FEW_RIGHTS, "all of it": STRICTEST}


@pytest.mark.parametrize("options", SERVING.values(), ids=SERVING)
def test_serves(image: str, trained: Paths, options: list[str]) -> None:
    """It answers, leaves no complaint, and stops as it should."""
    model = mount(trained.model, "/opt/ml/model", read_only=True)
    with serving(image, *options, *model) as one, one.client() as client:
        answer = client.invoke(PENGUINS, "text/csv", "text/csv")
        code = one.stop()
        log = one.log()

    assert (answer.status, answer.body) == (200, AS_CSV)
    assert code == 0
    for complaint in ("Traceback", "Permission denied", "Read-only file system", "Exception"):
        assert complaint not in log


@pytest.mark.parametrize("options", TRAINING.values(), ids=TRAINING)
def test_trains(image: str, folder: Path, options: list[str]) -> None:
    """With a tree that the user may write to, though it be nobody the image knows."""
    paths = sample_job(folder / "ml", ALGORITHM, hosts=("algo-1",))
    for entry in (paths.base, *paths.base.rglob("*")):
        entry.chmod(0o777)

    ended = train(image, paths, *options)

    assert ended.code == 0, ended.log
    assert (paths.model / "model.joblib").is_file()


def test_processes_share_more_than_the_shared_memory_holds(image: str, folder: Path) -> None:
    """joblib's workers get an array of 100 MB where /dev/shm has 64 MB."""
    paths = job(folder / "ml", FIXTURES / "shares_memory.py")

    ended = train(image, paths, "--shm-size", "64m")

    assert ended.code == 0, failure(paths)


def test_a_tree_that_cannot_be_written_to_is_named(image: str, folder: Path) -> None:
    """A failure file can't be written either: the log says what is wrong, and the code."""
    paths = sample_job(folder / "ml", ALGORITHM)

    ended = train(image, paths, *STRANGER)

    assert ended.code != 0
    assert "can't be written" in ended.log
    assert "Traceback" not in ended.log


def test_a_server_with_nowhere_to_write_says_so(image: str, trained: Paths) -> None:
    """A read-only root without a /tmp: one line that names it, not a traceback."""
    model = mount(trained.model, "/opt/ml/model", read_only=True)

    ended = run(image, "serve", options=["--read-only", *model])

    assert ended.code != 0
    assert ended.log.splitlines()[-1].startswith("serve: ")
    assert "/tmp" in ended.log.splitlines()[-1]
    assert "Traceback" not in ended.log


def test_a_job_with_nowhere_to_write_says_so(image: str, folder: Path) -> None:
    """The same for training: the tree alone can be written to, and the failure file names /tmp."""
    paths = sample_job(folder / "ml", ALGORITHM)

    ended = train(image, paths, "--read-only")

    assert ended.code != 0
    assert "/tmp" in failure(paths)
    assert "Traceback" not in ended.log
