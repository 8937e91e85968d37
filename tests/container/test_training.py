"""`docker run IMAGE train` on a mounted /opt/ml: what a job reads, and what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from byo.algorithm_folder import Algorithm
from byo.tree.job_tree import sample_job
from contract import Paths
from tests.container.conftest import ALGORITHM
from tests.container.engine import container, mount, run, settings
from tests.container.jobs import FIXTURES, failure, job, train
from tests.training.jobs import FIXTURES as SCRIPTS

EXAMPLES = ALGORITHM.folder.parent / "examples"


def test_the_baked_in_algorithm_leaves_a_model_and_success(trained: Paths) -> None:
    """What SageMaker packs into model.tar.gz is there, and no failure file."""
    written = {file.name for file in trained.model.iterdir()}

    assert written == {"SHA256SUMS", "model.joblib", "signature.json"}
    assert trained.success.is_file()
    assert not trained.failure.exists()


def test_the_log_holds_the_metrics_and_no_traceback(image: str, folder: Path) -> None:
    """The lines that SageMaker finds metrics in; SageMaker's own way to start a container."""
    paths = sample_job(folder / "ml", ALGORITHM, hosts=("algo-1",))

    ended = train(image, paths)

    assert ended.code == 0, ended.log
    assert "accuracy=" in ended.log
    assert "Traceback" not in ended.log


def test_a_script_finds_all_of_its_job(image: str, folder: Path) -> None:
    """Hyperparameters as the SDK encodes them, two channels, and the host's name."""
    for channel in ("train", "validation"):
        file = folder / "ml" / "input" / "data" / channel / "data.csv"
        file.parent.mkdir(parents=True)
        file.write_text(channel)
    paths = job(folder / "ml", FIXTURES / "tells.py", trees=100, rate=0.1, kernel="rbf")

    ended = train(image, paths)

    assert ended.code == 0, ended.log
    seen = json.loads((paths.output_data / "seen.json").read_text())
    assert (seen["trees"], seen["rate"], seen["kernel"]) == (100, 0.1, "rbf")
    assert seen["train"] == "/opt/ml/input/data/train"
    assert seen["read"] == ["train", "validation"]
    assert seen["channels"] == ["code", "train", "validation"]
    assert (seen["hosts"], seen["host"]) == (["algo-1"], "algo-1")
    assert (paths.model / "model.txt").is_file()
    assert paths.success.is_file()


@pytest.mark.parametrize("example", ["diabetes", "iris"])
def test_another_algorithm_needs_no_other_image(image: str, folder: Path, example: str) -> None:
    """An algorithm folder in place of the baked-in one."""
    algorithm = Algorithm(EXAMPLES / example)
    paths = sample_job(folder / "ml", algorithm)

    ended = train(image, paths, *mount(algorithm.folder, "/opt/program", read_only=True))

    assert ended.code == 0, ended.log
    assert (paths.model / "model.joblib").is_file()


# Script, its exit code, and how the failure file begins.
FAILURES = {
    "raises.py": (1, "ValueError: could not convert string to float: 'n/a' (raises.py:2)\n"),
    "exits_with_code.py": (3, "exits_with_code.py exited with code 3"),
    "dies_in_native_code.py": (139, "dies_in_native_code.py was killed by SIGSEGV"),
    "needs_package": (1, "pip could not install the submitted code: "),
}


@pytest.mark.parametrize("script", FAILURES)
def test_a_job_that_fails_says_why(image: str, folder: Path, script: str) -> None:
    """The failure file begins with the cause, the log ends with it; the code is the script's."""
    code, reason = FAILURES[script]
    paths = job(folder / "ml", SCRIPTS / script)

    ended = train(image, paths, *settings(PIP_NO_INDEX="1"))

    assert ended.code == code
    assert failure(paths).startswith(reason)
    cause = failure(paths).partition("\n")[0]
    assert ended.log.splitlines()[-1].endswith(f"Ending with exit code {code}: {cause}")
    assert not paths.success.exists()


def test_a_job_without_configuration_says_so(image: str, folder: Path) -> None:
    """An empty /opt/ml: what lacks is named, in the log and in the failure file."""
    ended = run(image, "train", options=mount(folder, "/opt/ml"))

    assert ended.code != 0
    assert "/opt/ml/input/config" in Paths(folder).failure.read_text()
    assert "/opt/ml/input/config" in ended.log
    assert "Traceback" not in ended.log


def test_a_tree_of_the_classic_container_will_do(image: str, folder: Path) -> None:
    """Hyperparameters and channels, and none of the files that its containers never read."""
    paths = sample_job(folder / "ml", ALGORITHM)
    paths.input_data_config.unlink()
    paths.resource_config.unlink()

    ended = run(image, "train", options=mount(paths.base, "/opt/ml"))

    assert ended.code == 0, ended.log
    assert (paths.model / "model.joblib").is_file()
    assert json.loads(paths.input_data_config.read_text()).keys() == {"training"}


def test_secrets_stay_out_of_the_log(image: str, folder: Path) -> None:
    """Neither a secret hyperparameter nor the container's credentials are printed."""
    paths = job(folder / "ml", SCRIPTS / "quiet_success.py", db_password="open-sesame")

    ended = train(image, paths, *settings(AWS_SECRET_ACCESS_KEY="swordfish"))

    assert ended.code == 0, ended.log
    assert "open-sesame" not in ended.log
    assert "swordfish" not in ended.log


def test_orphans_are_reaped(image: str, folder: Path) -> None:
    """PID 1 takes note of the end of processes that lost their parent."""
    paths = job(folder / "ml", FIXTURES / "orphans.py")

    ended = train(image, paths)

    assert ended.code == 0, failure(paths)


def test_a_job_may_be_run_again_where_one_was_killed(image: str, folder: Path) -> None:
    """SIGKILL leaves neither success nor failure; the next run in the same tree succeeds."""
    paths = job(folder / "ml", FIXTURES / "waits.py")
    options = mount(paths.base, "/opt/ml")
    with container(image, "train", options=options) as killed:
        killed.until_logged("epoch=1;")
        killed.signal("KILL")
        assert killed.until_ended() == 137
    assert not paths.success.exists()
    assert not paths.failure.exists()

    again = train(image, sample_job(paths.base, ALGORITHM))

    assert again.code == 0, again.log
    assert paths.success.is_file()


def test_a_stopped_job_says_so(image: str, folder: Path) -> None:
    """SIGTERM, as for a job that is stopped: it ends within the grace, and by its own."""
    paths = job(folder / "ml", FIXTURES / "waits.py")
    with container(image, "train", options=mount(paths.base, "/opt/ml")) as one:
        one.until_logged("epoch=1;")

        code = one.stop()

    assert code == 143
    assert failure(paths).startswith("stopped by SIGTERM (signal 15) before waits.py finished")
    assert not paths.success.exists()


def test_a_script_may_save_when_it_is_stopped(image: str, folder: Path) -> None:
    """A script that takes the signal itself, as spot training needs it, decides how it ended."""
    paths = job(folder / "ml", FIXTURES / "waits.py", saves=1)
    with container(image, "train", options=mount(paths.base, "/opt/ml")) as one:
        one.until_logged("epoch=1;")

        code = one.stop()

    assert code == 0
    assert (paths.model / "checkpoint").read_text() == "saved"
    assert paths.success.is_file()
