"""`byo serve --reload`: what is saved meanwhile is served, and nobody who asks notices more."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from handler.serve.pick_free_port import free_port
from tests.cli.conftest import BYO, Run
from tests.serving.conftest import DEADLINE
from tests.serving.test_misbehaviour import wait_until
from tests.serving.test_reload import KEPT, asked, save_version, steady
from tests.serving.test_stop import Serving

PROGRAM = """\
from version import VERSION


def predict_fn(data, model):
    return [VERSION for _ in data]
"""


@pytest.mark.slow
def test_changes_are_served_one_after_the_other(
    environ: dict[str, str], survivors, tmp_path: Path
) -> None:
    """A good one in several writes, a broken one, a good one, other code and another model."""
    model, mine, log = tmp_path / "alone", tmp_path / "mine", tmp_path / "log"
    mine.mkdir()
    module, program = mine / "version.py", mine / "inference.py"
    save_version(model, 0)
    module.write_text("VERSION = 1\n")
    program.write_text(PROGRAM)
    port = free_port()
    command = [*BYO, "serve", "--model", model / "model.joblib", "--algorithm", mine, "--reload"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*map(str, command), "--port", str(port)],
            cwd=tmp_path,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    one = Serving(process, port, log)
    try:
        wait_until(lambda: one.logged("serve: ready") or one.has_ended, DEADLINE)
        with steady(one, 2) as clients:
            assert asked(one) == 1
            with module.open("w") as half:
                half.write("VERSION =")
                half.flush()
                program.write_text(f"# The same otherwise.\n{PROGRAM}")
                half.write(" 2\n")
            wait_until(lambda: asked(one) == 2, DEADLINE)

            module.write_text("VERSION = (\n")
            wait_until(lambda: one.logged(KEPT), DEADLINE)
            assert asked(one) == 2
            [line] = [line for line in log.read_text().splitlines() if KEPT in line]
            assert "version.py" in line

            module.write_text("VERSION = 3\n")
            wait_until(lambda: asked(one) == 3, DEADLINE)
            program.unlink()
            wait_until(lambda: asked(one) == 0, DEADLINE)
            save_version(model, 4)
            wait_until(lambda: all(each.answers[-1] == 4 for each in clients), DEADLINE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
    assert [failure for each in clients for failure in each.failures] == []
    assert "mine/version.py changed" in log.read_text()
    assert survivors() == []


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--model", "model.tar.gz"), "--reload can't follow model.tar.gz, an archive"),
        (("--model", "model.joblib", "--image", "byo"), "a file in a container"),
    ],
)
def test_what_can_not_be_followed_is_refused(
    run_byo: Run, tmp_path: Path, arguments: tuple[str, ...], cause: str
) -> None:
    """Rather than served as it was for ever."""
    for name in ("model.tar.gz", "model.joblib"):
        (tmp_path / name).touch()

    done = run_byo("serve", "--reload", *arguments)

    assert done.returncode == 2
    assert cause in done.stderr


def test_a_backend_that_can_not_load_anew_is_refused(
    run_byo: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    """By the setting's name, before anything starts."""
    save_version(tmp_path / "alone", 1)
    environ["BYO_BACKEND"] = "stock"

    done = run_byo("serve", "--reload", "--model", "alone", "--port", free_port())

    assert done.returncode == 2
    assert "BYO_RELOAD needs a BYO_BACKEND that can load anew" in done.stdout + done.stderr
