"""Limits of CPU, memory and processes: what the image makes of them, and what they do to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import Paths
from tests.container.engine import Container, container, listing, mount, run, serving, settings
from tests.container.jobs import FIXTURES, failure, job, train
from tests.container.models import PENGUINS, named, with_code
from tests.container.test_multi_model import STORE, Endpoint

# Far less than the machine has, and what a small serverless endpoint or instance has.
CPUS, MEGABYTES = 1, 1024
# An engine counts threads, too.
PROCESSES = 100
GREEDY = "def {function}: return [bytearray(8 << 20) for _ in iter(int, 1)]\n"
LOADS_TOO_MUCH = GREEDY.format(function="model_fn(path)")
ASKED_TOO_MUCH = GREEDY.format(function="predict_fn(data, model)")


@pytest.fixture(scope="module")
def small(image: str, trained: Paths) -> Iterator[Container]:
    """A container that serves the trained model within small limits."""
    limits = ["--cpus", str(CPUS), "--memory", f"{MEGABYTES}m", "--pids-limit", str(PROCESSES)]
    with serving(image, *limits, *mount(trained.model, "/opt/ml/model", read_only=True)) as one:
        yield one


def frontend_command(one: Container) -> list[str]:
    """The command line of the JVM in a container."""
    script = 'for p in /proc/[0-9]*; do grep -qz "ModelServer$" $p/cmdline && cat $p/cmdline; done'
    return one.execute("sh", "-c", f"{script}; true").strip("\0\n").split("\0")


def test_the_plan_is_made_of_the_limits(small: Container) -> None:
    """The first line says what there is, and how it is divided."""
    first = small.log().splitlines()[0]

    assert first.startswith("serve: ")
    assert "1 CPU, 1024 MB of memory" in first
    assert "workers per model 1," in first
    assert "JVM heap up to 256 MB" in first


def test_limits_of_the_second_version_are_seen(image: str, trained: Paths, tmp_path: Path) -> None:
    """The files of control groups of version 2, on a machine that may well have the first."""
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{MEGABYTES << 20}\n")
    options = [
        *mount(tmp_path, "/sys/fs/cgroup", read_only=True),
        *mount(trained.model, "/opt/ml/model", read_only=True),
    ]
    with container(image, "serve", options=options) as one:
        first = one.until_logged("serve: ")
        one.until_logged("serve: ready")

        command = frontend_command(one)

    assert "1 CPU, 1024 MB of memory, workers per model 1, JVM heap up to 256 MB" in first
    assert "-Xmx256m" in command


def test_the_jvm_keeps_to_the_limits(small: Container) -> None:
    """Its heap is a part of the container's memory, and it counts the container's CPUs."""
    command = frontend_command(small)
    options = [option for option in command if option.startswith("-X")]

    told = small.execute(command[0], *options, "-XshowSettings:system", "-version")

    assert "-Xmx256m" in options
    assert "-XX:-UseContainerSupport" not in options
    assert f"Effective CPU Count: {CPUS}\n" in told
    assert "Memory Limit: 1.00G\n" in told


def test_computations_use_no_more_threads_than_cpus(small: Container) -> None:
    """Else each of a library's threads waits for the others, and all for the one CPU."""
    script = 'for p in /proc/[0-9]*; do tr "\\0" "\\n" <$p/environ; done 2>/dev/null'

    # Those of who took root's place: a container's root may not look into others' processes.
    environments = small.execute("sh", "-c", f"{script}; true", user="nobody").splitlines()

    assert "OMP_NUM_THREADS=1" in environments


def test_a_full_payload_fits_into_small_memory(small: Container) -> None:
    """As large as InvokeEndpoint takes, and answered by a worker that the kernel leaves alive."""
    header, row = PENGUINS.splitlines(keepends=True)[:2]
    rows = 6 * 1024 * 1024 // len(row) - 1

    with small.client() as client:
        answer = client.invoke(header + row * rows, "text/csv", "text/csv")

    assert (answer.status, answer.body.count(b"\n")) == (200, rows)


def test_a_script_that_is_killed_for_memory_says_so(image: str, folder: Path) -> None:
    """The kernel ends the script alone; the failure file names memory."""
    paths = job(folder / "ml", FIXTURES / "eats_memory.py")

    ended = train(image, paths, "--memory", "300m", "--memory-swap", "300m")

    assert ended.code == 137
    assert failure(paths).startswith(
        "eats_memory.py was killed by SIGKILL (signal 9): probably out of memory, peak RSS "
    )
    assert not paths.success.exists()


def test_a_model_beyond_the_memory_ends_the_container(
    image: str, trained: Paths, tmp_path: Path
) -> None:
    """A single model that doesn't fit: code 4, and the last line names memory."""
    model = with_code(trained, tmp_path / "model", {"inference.py": LOADS_TOO_MUCH})
    limits = ["--memory", f"{MEGABYTES}m", "--memory-swap", f"{MEGABYTES}m"]

    ended = run(image, "serve", options=[*limits, *mount(model, "/opt/ml/model", read_only=True)])

    assert "memory" in ended.log.splitlines()[-1]
    assert ended.code == 4


@pytest.fixture(scope="module")
def crowded(
    image: str, trained: Paths, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endpoint]:
    """A multi-model container with little memory, one good model and two greedy ones."""
    folder = tmp_path_factory.mktemp("crowded")
    named(trained, folder / "good" / "model", "good")
    for name, source in (("loading", LOADS_TOO_MUCH), ("asked", ASKED_TOO_MUCH)):
        with_code(trained, folder / name / "model", {"inference.py": source})
    limits = ["--memory", f"{MEGABYTES}m", "--memory-swap", f"{MEGABYTES}m"]
    options = [*mount(folder, STORE, read_only=True), *settings(SAGEMAKER_MULTI_MODEL="true")]
    with serving(image, *limits, *options, ask=listing) as one, one.client() as client:
        endpoint = Endpoint(one, folder, client)
        assert endpoint.load("good").status == 200
        yield endpoint


def test_a_model_beyond_the_memory_is_refused_with_507(crowded: Endpoint) -> None:
    """SageMaker unloads another then, and asks again; those that are loaded go on."""
    refused = crowded.load("loading")

    assert refused.status == 507
    crowded.until_listed("good")
    assert crowded.invoke("good") == (200, b"good\n")


def test_an_invocation_beyond_the_memory_fails_alone(crowded: Endpoint) -> None:
    """It is answered as a failure of the server's; its neighbours go on."""
    assert crowded.load("asked").status == 200

    status, _ = crowded.invoke("asked")

    assert status in (500, 507)
    assert crowded.invoke("good") == (200, b"good\n")
    assert crowded.client.ping().status == 200
