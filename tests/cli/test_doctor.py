"""`byo doctor`: a line for each thing, what mends it, and an exit code."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import joblib
import pytest
from sklearn.dummy import DummyRegressor

from byo.command_errors import UsageError
from byo.doctor import remedies
from byo.doctor.endpoint_size import instance
from byo.tree.run_record import RunRecord
from contract.machine import MEBIBYTE
from handler.serve.pick_free_port import free_port
from tests.cli.conftest import Run

GIB = 1024 * MEBIBYTE


def lines(text: str, level: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(level)]


def test_a_machine_that_is_ready(run_byo: Run) -> None:
    """Where the tests run all that commands need is there, and each thing has its line."""
    done = run_byo("doctor", "--offline")

    assert done.returncode == 0, done.stdout
    said = lines(done.stdout, "ok")
    for thing in ("Python ", "sagemaker-training", "multi-model-server", "Java: ", "memory"):
        assert any(thing in line for line in said), thing
    assert lines(done.stdout, "error") == []


def test_what_is_in_the_way_has_a_remedy(
    run_byo: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    """A taken port, a proxy for one's own machine, a folder's packages, another folder's model."""
    (tmp_path / "train.py").touch()
    (tmp_path / "requirements.txt").write_text("no-such-package-anywhere>=2\n")
    model = tmp_path / ".byo" / "model"
    model.mkdir(parents=True)
    joblib.dump(DummyRegressor().fit([[0]], [1]), model / "model.joblib")
    RunRecord(algorithm="/somewhere/else", outcome="succeeded").save(tmp_path / ".byo")
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        environ |= {"SAGEMAKER_BIND_TO_PORT": str(port), "HTTP_PROXY": "http://proxy:3128"}
        environ.pop("NO_PROXY", None)
        environ.pop("no_proxy", None)

        done = run_byo("doctor", "--offline")

    assert done.returncode == 0
    warnings = "\n".join(lines(done.stdout, "warning"))
    assert f"port {port} can't be used" in warnings
    assert "NO_PROXY=localhost,127.0.0.1" in warnings
    assert "not installed here: no-such-package-anywhere>=2" in warnings
    assert "byo serve --algorithm /somewhere/else" in warnings
    assert "has no signature.json" in warnings


def test_what_every_command_needs_is_an_error(
    run_byo: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    """A Java that does not run ends the command with 1."""
    folder = tmp_path / "java" / "bin"
    folder.mkdir(parents=True)
    java = folder / "java"
    java.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    java.chmod(0o755)
    environ["JAVA_HOME"] = str(folder.parent)

    done = run_byo("doctor", "--offline")

    assert done.returncode == 1
    assert [f"error    {java} does not run (broken)" in done.stdout] == [True]
    assert "1 thing must be mended first" in done.stderr


def test_a_remedy_is_run_and_its_failure_told() -> None:
    """What pip or any other command says last is the reason."""
    sh = shutil.which("sh") or "/bin/sh"

    assert remedies.apply((sh, "-c", "exit 0")) is None
    assert remedies.apply((sh, "-c", "echo no network >&2; exit 1")) == "no network"
    assert "nowhere" in str(remedies.apply(("/nowhere/at/all",)))


@pytest.mark.parametrize(
    ("name", "cpus", "least", "most"),
    [
        ("ml.m5.large", 2, 7, 8),
        ("m5.xlarge", 4, 14, 16),
        ("ml.c5.2xlarge", 8, 14, 16),
        ("ml.r6i.12xlarge", 48, 350, 384),
        ("ml.t2.medium", 2, 3, 4),
        ("2x8g", 2, 8, 8),
    ],
)
def test_instances_have_their_size(name: str, cpus: int, least: int, most: int) -> None:
    """As AWS lists them, less what an instance keeps for itself."""
    machine = instance(name)

    assert machine.cpus == cpus
    assert least * GIB <= machine.memory <= most * GIB


@pytest.mark.parametrize("name", ["large", "ml.q9.large", "ml.m5.huge", "2x"])
def test_a_size_that_is_not_known_is_refused(name: str) -> None:
    """With what would be one."""
    with pytest.raises(UsageError, match="2x8g"):
        instance(name)


@pytest.mark.slow
def test_models_are_measured(run_byo: Run, tmp_path: Path) -> None:
    """Each is loaded; the plan is the server's own; one that can't be loaded is an error."""
    for name in ("one", "two"):
        (tmp_path / "tenants" / name).mkdir(parents=True)
        joblib.dump(DummyRegressor().fit([[0]], [1]), tmp_path / "tenants" / name / "model.joblib")
    (tmp_path / "tenants" / "broken").mkdir()
    (tmp_path / "tenants" / "broken" / "model.joblib").write_bytes(b"no model")

    done = run_byo("doctor", "--endpoint-size", "ml.m5.large", "--models", "tenants")

    assert done.returncode == 1
    assert "ok       one takes 1 MB for each worker" in done.stdout
    assert len(lines(done.stdout, "error    broken can't be loaded")) == 1
    assert "as one of many on ml.m5.large: some " in done.stdout
