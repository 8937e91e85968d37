"""Settings of AWS's model-hosting-container-standards, at a server."""

from __future__ import annotations

import pytest

from tests.serving.backend.processes import Processes, eventually
from tests.serving.conftest import FIXTURES, Tree, run_to_its_end, running, survivors

pytestmark = pytest.mark.slow

SETTINGS = {
    "PROCESS_AUTO_RECOVERY": "false",
    "STANDARD_AUTO_INSTALL_REQ": "false",
    "SUPERVISOR_PROGRAM__APP_STARTSECS": "10",
    "MODEL_SERVER_WORKERS": "1",
}


def test_a_process_that_ends_ends_the_server(positional: Tree) -> None:
    """Nothing is installed, what does not count is named, and nothing is replaced."""
    positional.inference("tells_its_process.py")
    asked = "there-is-no-such-package-1\n"
    (positional.algorithm.folder / "requirements.txt").write_text(asked)

    with running(positional, **SETTINGS) as server:
        log = server.log
        assert "STANDARD_AUTO_INSTALL_REQ=false leaves it out: there-is-no-such" in log.read_text()
        assert "SUPERVISOR_PROGRAM__APP_STARTSECS is not heeded: there is no" in log.read_text()
        assert server.post("2,0\n").status == 200
        Processes(positional).hosts()[0].kill()
        eventually(lambda: survivors(positional) == [])

    ended = "serve: a process that answers for the model ended: killed by SIGKILL"
    assert log.read_text().splitlines()[-1].startswith(ended)
    assert "PROCESS_AUTO_RECOVERY=false" in log.read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("settings", "replaced", "said"),
    [
        ({"PROCESS_MAX_START_RETRIES": "2"}, 2, "the fork server ended as soon as it was started"),
        ({"PROCESS_AUTO_RECOVERY": "false"}, 0, "the fork server ended: killed by SIGKILL"),
    ],
)
def test_a_fork_server_is_started_again_as_often_as_is_set(
    positional: Tree, settings: dict[str, str], replaced: int, said: str
) -> None:
    killed = str(FIXTURES / "fork_server_killed")

    code, output = run_to_its_end(positional, PYTHONPATH=killed, **settings)

    assert code == 5
    assert output.splitlines()[-1].startswith(f"serve: {said}")
    assert output.count("another takes its place") == replaced
