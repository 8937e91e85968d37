"""The container's log: what users' code and the server say in it, once and at the right level."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from byo.endpoint import serving_environ
from byo.endpoint.local_endpoint import SERVE_COMMAND
from handler.serve.pick_free_port import free_port
from tests.serving.backend.processes import eventually
from tests.serving.conftest import DEADLINE, Tree, running

pytestmark = pytest.mark.slow

BODY = b"2,0\n"
OF_A_START = re.compile(r"serve: |\d{4}-\d\d-\d\dT\S+ \[W-|Model server started\.$")
SAID = re.compile(r"(mine: )?(too fine|while loading|while predicting)")


# A machine whose own name has no address, as in a container without a network.
BECOME_ALONE = 'ip link set lo up && hostname nowhere && exec "$@"'
ALONE = ("unshare", "--net", "--uts", "sh", "-c", BECOME_ALONE, "sh")


def said(log: Path) -> list[str]:
    """What the user's code has said, a line each."""
    lines = log.read_text(errors="replace").splitlines()
    return [found.group() for line in lines if (found := SAID.search(line))]


@pytest.mark.parametrize("backend", ["own", "stock"])
@pytest.mark.parametrize("configures", ["", "yes"])
def test_users_log_lines_show_once(positional: Tree, backend: str, configures: str) -> None:
    """At the default level, with a `logging.basicConfig` of the user's own or without.

    multi-model-server's own worker has configured logging by then, so that basicConfig does
    nothing there.
    """
    positional.inference("logs.py")
    settings = {"BYO_BACKEND": backend, "CONFIGURES": configures, "MODEL_SERVER_WORKERS": "1"}
    mine = "mine: " if configures and backend == "own" else ""

    with running(positional, **settings) as server:
        assert server.post(BODY).status == 200
        eventually(lambda: len(said(server.log)) >= 2)

    assert said(server.log) == [f"{mine}while loading", f"{mine}while predicting"]


def test_a_higher_level_keeps_quiet(positional: Tree) -> None:
    """Of users' code and of the server, but for what the server says of its own life."""
    positional.inference("logs.py")

    with running(positional, SAGEMAKER_CONTAINER_LOG_LEVEL="40") as server:
        assert server.post(BODY).status == 200

    log = server.log.read_text(errors="replace")
    assert said(server.log) == []
    assert "model of type" not in log
    assert "serve: ready on " in log


def test_a_start_says_nothing_that_concerns_nobody(positional: Tree) -> None:
    """Each line of it is the server's or a worker's, also where there is no network."""
    can_be_alone = subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0
    environ = serving_environ(
        positional.environ(), positional.paths, positional.algorithm, free_port()
    )
    command = [*(ALONE if can_be_alone else ()), *SERVE_COMMAND]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    shown = []
    with subprocess.Popen(command, env=environ, text=True, **streams) as process:
        try:
            for line in process.stdout or ():
                shown.append(line)
                if line.startswith("serve: ready"):
                    process.terminate()
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()

    assert [line for line in shown if not OF_A_START.match(line)] == []


def test_a_client_that_goes_away_leaves_few_lines(positional: Tree) -> None:
    """What it was is told: the log must not grow by what anybody can have it say at no cost."""
    head = (
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 9\r\n"
    )
    with running(positional) as server:
        address = urlsplit(server.client.url)
        before = server.log.stat().st_size
        for _ in range(10):
            with socket.create_connection((address.hostname, address.port), 10) as client:
                client.sendall(head + b"\r\n2,0\n")
        eventually(lambda: server.log.read_text().count("PrematureChannelClosure") == 10)
        assert server.post(BODY).status == 200

        assert server.log.read_bytes()[before:].count(b"\n") <= 10 * 6


@pytest.mark.parametrize(("level", "shown"), [("20", []), ("10", ["200", "200", "422", "404"])])
def test_only_what_failed_is_in_the_log(positional: Tree, level: str, shown: list[str]) -> None:
    """Once each; pings and invocations that went well show at the level of debugging alone."""
    with running(positional, SAGEMAKER_CONTAINER_LOG_LEVEL=level) as server:
        before = len(access_lines(server.log))
        assert server.client.ping().status == 200
        assert server.post(BODY).status == 200
        assert server.post(b"2,zero\n").status == 422
        assert server.client.request("GET", "/nowhere", b"", {}).status == 404
        eventually(lambda: "404 GET /nowhere: " in server.log.read_text())
        eventually(lambda: "] 422 row 1, column 2: " in server.log.read_text())

    assert [line.split()[-2] for line in access_lines(server.log)[before:]] == shown
    failed = re.findall(r"\] (422|404) ", server.log.read_text())
    assert sorted(failed) == ["404", "422"]


def access_lines(log: Path) -> list[str]:
    """What the frontend has said of requests."""
    return [line for line in log.read_text(errors="replace").splitlines() if "[access]" in line]
