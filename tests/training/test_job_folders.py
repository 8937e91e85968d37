"""Jobs in bad surroundings: each ends within seconds, with a sentence that says what to mend."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from contract.errors import SettingsError
from tests.training.jobs import LAUNCH, TRAIN
from training_entry.script.wait_settings import Limits

slow = pytest.mark.slow
UNSHARE = ("unshare", "--mount", "sh", "-c")
can_mount = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0,
    reason="a mount namespace of its own is not allowed here",
)


@pytest.fixture
def launched(job):
    job.submit("quiet_success.py")
    job.command = LAUNCH
    return job


@slow
@pytest.mark.parametrize("command", [(TRAIN,), LAUNCH], ids=["train", "launch"])
def test_a_host_that_is_never_found_is_named(job, command):
    """The toolkit would retry without a word for 15 minutes."""
    job.submit("quiet_success.py")
    job.command = command
    job.hosts = ("algo-1", "algo-2.invalid", "localhost")
    job.environ |= {"SM_STUDIO_LOCAL_MODE": "", "BYO_HOSTS_TIMEOUT": "1", "BYO_CLUSTER": "false"}

    code = job.run()

    assert job.failure == (
        "hosts of this job could not be found by name within 1 s: algo-2.invalid "
        "(BYO_HOSTS_TIMEOUT sets how long to wait)"
    )
    assert "waiting up to 1 s for the hosts to be found: algo-2.invalid, localhost" in job.log
    assert code == 1


@slow
def test_a_job_of_one_host_needs_no_name_to_be_found(job):
    """Its own name is nobody's business."""
    job.submit("quiet_success.py")
    job.hosts = ("algo-1.invalid",)
    job.environ["SM_STUDIO_LOCAL_MODE"] = ""

    code = job.run()

    assert code == 0, job.log


@slow
def test_a_job_of_several_hosts_runs_once_all_are_found(job):
    """Without a cluster each host runs the script, as SageMaker has it."""
    job.submit("quiet_success.py")
    job.hosts = ("algo-1.invalid", "localhost")
    job.environ |= {"SM_STUDIO_LOCAL_MODE": "", "BYO_CLUSTER": "false"}

    code = job.run()

    assert code == 0, job.log
    assert "all hosts were found" in job.log


@slow
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("hyperparameters.json", None, "hyperparameters.json is missing"),
        ("resourceconfig.json", None, "resourceconfig.json is missing"),
        ("inputdataconfig.json", "{", "inputdataconfig.json, line 1: not JSON"),
        ("hyperparameters.json", "[1]", "hyperparameters.json must hold a JSON object, not list"),
        ("resourceconfig.json", '{"hosts": []}', '"hosts" must be a list of host names'),
        (
            "hyperparameters.json",
            '{"sagemaker_container_log_level": "loud"}',
            "sagemaker_container_log_level must be a level from 0 to 50 or a name such as INFO",
        ),
    ],
)
def test_a_file_of_the_job_that_cannot_be_used_is_named(launched, name, text, reason):
    """Told before the toolkit reads it, which would show a traceback or nothing."""
    config = launched.base / "input" / "config"
    config.mkdir(parents=True)
    whole = {"current_host": "localhost", "hosts": ["localhost"]}
    (config / "inputdataconfig.json").write_text("{}")
    (config / "resourceconfig.json").write_text(json.dumps(whole))
    (config / "hyperparameters.json").write_text(json.dumps(launched.hyperparameters))
    if text is None:
        (config / name).unlink()
    else:
        (config / name).write_text(text)

    code = launched.run()

    assert reason in launched.failure
    assert "Traceback" not in launched.log + launched.failure
    assert code == 1


@slow
def test_a_tree_of_the_classic_container_is_completed(launched):
    """Hyperparameters and channels are enough; a file that is there is not altered."""
    config = launched.base / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(launched.hyperparameters))
    (config / "resourceconfig.json").write_text('{"current_host": "me", "hosts": ["me"]}')
    (launched.base / "input" / "data" / "training").mkdir(parents=True)

    code = launched.run()

    assert code == 0, launched.log
    assert json.loads((config / "inputdataconfig.json").read_text()).keys() == {"training"}
    assert "inputdataconfig.json was missing, and is written" in launched.log
    assert json.loads((config / "resourceconfig.json").read_text())["hosts"] == ["me"]


@slow
@pytest.mark.parametrize("given", ["10", 10, '"10"', "DEBUG", "debug", '"DEBUG"', "'10'"])
def test_a_log_level_counts_in_each_form_in_which_it_is_sent(launched, given):
    """As SDKs write it, as consoles do, and as people think of it."""
    launched.hyperparameters["sagemaker_container_log_level"] = given

    code = launched.run()

    assert code == 0, launched.log
    assert " DEBUG " in launched.log


@slow
@pytest.mark.parametrize(("given", "counts"), [(None, True), ("", True), ("30", False)])
def test_the_log_level_of_the_environment_counts_where_the_job_has_none(launched, given, counts):
    """The toolkit reads it, and then forgets it."""
    launched.environ["SAGEMAKER_CONTAINER_LOG_LEVEL"] = '"debug"'
    if given is not None:
        launched.hyperparameters["sagemaker_container_log_level"] = given

    code = launched.run()

    assert code == 0, launched.log
    assert (" DEBUG " in launched.log) == counts


@slow
@pytest.mark.parametrize("command", [(TRAIN,), LAUNCH], ids=["train", "launch"])
@pytest.mark.parametrize(
    ("folder", "options", "reason"),
    [
        ("output", "size=64k,ro", "Read-only file system"),
        ("model", "size=64k,ro", "Read-only file system"),
        ("model", "size=4k", "No space left on device"),
    ],
)
@can_mount
def test_a_folder_that_cannot_be_written_to_is_named(job, command, folder, options, reason):
    """Before anything is fetched; and the job never ends as if it had succeeded."""
    job.submit("quiet_success.py")
    (job.base / folder).mkdir(parents=True)
    mount = f'mount -t tmpfs -o {options} tmpfs {job.base / folder} && exec "$@"'
    job.command = (*UNSHARE, mount, "sh", *command)

    code = job.run()

    told = f"{job.base / folder} can't be written to: {reason}"
    assert told in job.log
    assert code == 1
    if folder == "model":
        assert job.failure == told


@slow
@can_mount
def test_a_disk_that_fills_up_is_the_reason(job):
    """The script's own error comes first, though there is no room for a report either."""
    job.submit("fills_disk.py")
    job.base.mkdir()
    job.hyperparameters["folder"] = str(job.base / "model")
    (job.base / "model").mkdir()
    mount = f'mount -t tmpfs -o size=64k tmpfs {job.base / "model"} && exec "$@"'
    job.command = (*UNSHARE, mount, "sh", TRAIN)
    job.environ["TMPDIR"] = str(job.base / "model")

    code = job.run()

    assert "No space left on device" in job.failure
    assert code == 1


@slow
@pytest.mark.parametrize("is_full", [False, True], ids=["filled by the script", "full before"])
@can_mount
def test_a_full_disk_that_takes_the_failure_file_as_well(job, tmp_path, is_full):
    """Room is held back for it; without any from the start, the log ends with the reason."""
    job.submit("fills_disk.py")
    job.hyperparameters["folder"] = str(job.base / "model")
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    for folder in (disk, job.base / "model", job.base / "output"):
        folder.mkdir(parents=True)
    steps = [
        f"mount -t tmpfs -o size=64k tmpfs {disk}",
        f"mkdir {disk}/model {disk}/output",
        *(f"mount --bind {disk}/{name} {job.base / name}" for name in ("model", "output")),
        f"if {str(is_full).lower()}; then ! head -c 100000 /dev/zero > {disk}/old; fi",
        f'"$@"; code=$?; cp {job.base / "output" / "failure"} {kept}; exit $code',
    ]
    job.command = (*UNSHARE, " && ".join(steps), "sh", *LAUNCH)

    code = job.run()

    reason = "can't be written to: No space" if is_full else "OSError: [Errno 28] No space left"
    assert code == 1, job.log
    assert reason in job.log.splitlines()[-1]
    assert (reason in kept.read_text()) is not is_full


@slow
@pytest.mark.parametrize("command", [(TRAIN,), LAUNCH], ids=["train", "launch"])
def test_a_file_where_a_folder_should_be_is_named(job, command):
    """The same without the means to mount anything."""
    job.submit("quiet_success.py")
    job.command = command
    job.base.mkdir()
    (job.base / "output").touch()

    code = job.run()

    assert f"{job.base / 'output'} can't be written to" in job.log
    assert code == 1


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Limits(hosts=60, quiet=60, grace=105)),
        ({"BYO_HOSTS_TIMEOUT": "5", "BYO_STOP_GRACE": " 0 "}, Limits(hosts=5, grace=0)),
        ({"BYO_PROGRESS_INTERVAL": ""}, Limits()),
    ],
)
def test_the_limits_are_read(environ, expected):
    """Whole seconds, each with a default."""
    assert Limits.from_environ(environ) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("BYO_HOSTS_TIMEOUT", "1 min"), ("BYO_STOP_GRACE", "120"), ("BYO_PROGRESS_INTERVAL", "-1")],
)
def test_a_limit_that_makes_no_sense_is_named(name, value):
    """The grace period has to end before SageMaker's own."""
    with pytest.raises(SettingsError, match=f"{name} must be whole seconds from 0 to "):
        Limits.from_environ({name: value})


@slow
@pytest.mark.parametrize("level", ['"20"', "INFO"])
def test_what_the_toolkit_cannot_read_by_itself(launched, level):
    """A log level in quotes or by name, and a channel of which nothing is said."""
    launched.environ["SAGEMAKER_CONTAINER_LOG_LEVEL"] = level
    config = launched.base / "input" / "config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text('{"training": null}')
    (config / "hyperparameters.json").write_text(json.dumps(launched.hyperparameters))
    (launched.base / "input" / "data" / "training").mkdir(parents=True)

    code = launched.run()

    assert code == 0, launched.log


@slow
def test_a_log_level_that_is_none(launched):
    """The failure file names the variable."""
    launched.environ["SAGEMAKER_CONTAINER_LOG_LEVEL"] = "loud"

    code = launched.run()

    assert code == 1
    assert "SAGEMAKER_CONTAINER_LOG_LEVEL must be a level from 0 to 50" in launched.failure
