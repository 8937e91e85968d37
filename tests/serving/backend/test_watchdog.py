"""Whatever the frontend and the processes disagree about is put right, also where nothing told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from contract.settings import ServingSettings
from handler.fork_server import frontend_models
from tests.serving.backend.conftest import Observed
from tests.serving.backend.processes import eventually, kill
from tests.serving.backend.test_chaos import registered

pytestmark = pytest.mark.slow


def test_a_model_that_nobody_knows_of_is_unregistered(many: Observed) -> None:
    """Its launcher and the fork server are killed, and what was saved is lost."""
    lost, kept = many.model("lost"), many.model("kept")
    assert [many.load(one) for one in (lost, kept)] == [200, 200]
    launcher = many.processes.launcher_of(lost)
    (scratch,) = many.temp.iterdir()
    kill(launcher)
    (scratch / f"launch-{launcher.pid}.json").unlink()
    kill(many.processes.fork_server())

    eventually(lambda: registered(many) == {"kept"})

    assert "model 'lost' is registered with the frontend, and nobody serves it" in many.log
    assert many.answering(kept)
    assert many.load(lost) == 200
    assert many.answering(lost)
    assert [many.unload(one) for one in (lost, kept)] == [200, 200]


def test_a_host_that_the_frontend_does_not_know_is_ended(many: Observed) -> None:
    """A launcher asks for it, which the frontend has not executed."""
    folder = many.model("of nobody", None)
    (scratch,) = many.temp.iterdir()
    environ = many.processes.fork_server().environ()
    names = {"BYO_BACKEND_DIR", "PATH"}
    launcher = subprocess.Popen(
        [
            *("/bin/sh", str(scratch / "home" / "mms" / "model_service_worker.py")),
            *("--sock-type", "unix", "--sock-name", str(scratch / ".mms.sock.1")),
            *("--model-name", folder.name, "--model-path", str(folder)),
        ],
        env={name: value for name, value in environ.items() if name in names},
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: many.processes.host_of(folder))

        launcher.wait(60)

        eventually(lambda: not [one for one in many.processes.hosts() if one.cwd() == str(folder)])
        assert "model 'of nobody' lives, and the frontend does not list it" in many.log
    finally:
        launcher.kill()


def test_long_lists_are_read_to_their_end(many: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, an exactly full one among them."""
    monkeypatch.setattr(frontend_models, "PAGE", 2)
    port = int(many.server.client.url.rpartition(":")[2])
    settings = ServingSettings(multi_model=True, port=port)
    folders: list[Path] = []
    for name in ("a", "b.c", "d-1", "e_2", "f"):
        assert sorted(frontend_models.names_of(settings)) == sorted(one.name for one in folders)
        folders.append(many.model(name, None))
        assert many.load(folders[-1]) == 200
    assert [many.unload(one) for one in folders] == [200] * len(folders)
