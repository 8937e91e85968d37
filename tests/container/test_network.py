"""Ports and networks: those that the platform sets, none at all, and neighbours."""

from __future__ import annotations

from pathlib import Path

from byo.tree.job_tree import sample_job
from contract import Paths
from tests.container.conftest import ALGORITHM
from tests.container.engine import (
    Container,
    container,
    invoking,
    mount,
    published,
    serving,
    settings,
)
from tests.container.jobs import train
from tests.container.models import AS_CSV, PENGUINS, named

LISTENING = "0A"
# Asks the server that runs beside it in the same container.
ASK = """
import sys, urllib.request
headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
request = urllib.request.Request("http://127.0.0.1:8080/invocations", sys.argv[1].encode(), headers)
print(urllib.request.urlopen(request, timeout=60).read().decode(), end="")
"""


def listening_ports(one: Container) -> set[int]:
    """The TCP ports that anything in a container listens on."""
    lines = one.execute("cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    fields = [line.split() for line in lines if ":" in line]
    return {int(one[1].rpartition(":")[2], 16) for one in fields if one[3] == LISTENING}


def test_only_the_ports_that_the_platform_sets_are_used(image: str, trained: Paths) -> None:
    """In a pipeline: SAGEMAKER_BIND_TO_PORT, and any other within SAGEMAKER_SAFE_PORT_RANGE.

    The frontend needs a second port where nothing can be executed from /tmp.
    """
    options = [
        *published(10080),
        *("--tmpfs", "/tmp"),
        *mount(trained.model, "/opt/ml/model", read_only=True),
        *settings(SAGEMAKER_BIND_TO_PORT="10080", SAGEMAKER_SAFE_PORT_RANGE="10081-10090"),
    ]
    with container(image, "serve", options=options) as one:
        answer = one.until_answered(invoking, inside=10080)

        ports = listening_ports(one)

    assert answer.status == 400  # the body is empty
    assert 10080 in ports
    assert ports <= set(range(10080, 10091))


def test_one_model_needs_one_port(image: str, trained: Paths) -> None:
    """Nothing else listens, on whatever address."""
    with serving(image, *mount(trained.model, "/opt/ml/model", read_only=True)) as one:
        assert listening_ports(one) == {8080}


def test_two_containers_stand_side_by_side(image: str, trained: Paths, tmp_path: Path) -> None:
    """Two endpoints of the same image on one machine, each with a model of its own."""
    left, right = (
        mount(named(trained, tmp_path / name, name), "/opt/ml/model", read_only=True)
        for name in ("left", "right")
    )
    with serving(image, *left) as one, serving(image, *right) as other:
        answers = []
        for each in (one, other, one):
            with each.client() as client:
                answers.append(client.invoke(PENGUINS, "text/csv", "text/csv").body)

    assert answers == [b"left\n", b"right\n", b"left\n"]


def test_serves_without_a_network(image: str, trained: Paths) -> None:
    """Network isolation: the endpoint answers on the loopback interface."""
    options = ["--network", "none", *mount(trained.model, "/opt/ml/model", read_only=True)]
    with container(image, "serve", options=options) as one:
        one.until_logged("serve: ready")

        answer = one.execute("python", "-c", ASK, PENGUINS.decode())

    assert answer.encode() == AS_CSV


def test_trains_without_a_network(image: str, folder: Path) -> None:
    """A host name that nobody resolves: the toolkit alone would wait for it for 15 minutes."""
    paths = sample_job(folder / "ml", ALGORITHM, hosts=("algo-1",))

    ended = train(image, paths, "--network", "none")

    assert ended.code == 0, ended.log
    assert (paths.model / "model.joblib").is_file()
