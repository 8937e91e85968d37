"""Each half installs alone, from the built wheel and its locked requirements, and works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from byo.algorithm_folder import Algorithm
from byo.endpoint import Client, serving_environ
from byo.local_training import training_environ
from byo.tree.job_tree import sample_job
from handler.serve.pick_free_port import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent
UV = ROOT / ".setup" / "uv" / "bin" / "uv"
IRIS = Algorithm(ROOT / "examples" / "iris")
# What says where a package came from would hide that the wheel lacks something.
OUTSIDE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*command: str | Path, **environ: str) -> None:
    done = subprocess.run(
        command,
        cwd="/",
        env=OUTSIDE | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git would clone."""
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable,
        "--out-dir", folder, ROOT)  # fmt: skip
    return next(folder.glob("*.whl"))


def install(folder: Path, wheel: Path, *extras: str) -> Path:
    """An environment of the wheel and these extras' requirements alone; its folder of programs."""
    run(UV, "venv", "--python", sys.executable, folder)
    locks = [part for extra in extras for part in ("-r", ROOT / "requirements" / f"{extra}.txt")]
    pip = (UV, "pip", "install", "--python", folder / "bin" / "python")
    build = ROOT / "requirements" / "build.txt"
    run(*pip, "--require-hashes", "--build-constraints", build, *locks)
    run(*pip, "--no-deps", wheel)
    run(UV, "pip", "check", "--python", folder / "bin" / "python")
    return folder / "bin"


@contextmanager
def started(serve: Path, environ: dict[str, str], folder: Path) -> Iterator[None]:
    """The installed server, from its ready line on."""
    with subprocess.Popen([serve], env=environ, cwd=folder, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            printed = b""
            while not printed.endswith(b"\n") or b"serve: ready" not in printed:
                more = server.stdout.readline()
                assert more, printed.decode()
                printed += more
            yield
        finally:
            server.terminate()
            server.wait(60)


@pytest.mark.skipif(not UV.exists(), reason="make setup has not installed uv")
def test_each_half_works_without_the_other(tmp_path: Path, wheel: Path) -> None:
    """The training half trains, and the serving half serves what it left."""
    paths = sample_job(tmp_path / "ml", IRIS)

    train = install(tmp_path / "train", wheel, "train") / "train"
    run(train, **training_environ({}, paths, IRIS))
    shutil.rmtree(tmp_path / "train")
    serve = install(tmp_path / "serve", wheel, "serve", "java") / "serve"
    port = free_port()
    environ = serving_environ(OUTSIDE, paths, IRIS, port)
    environ |= {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "PATH": f"{serve.parent}:/usr/bin:/bin"}
    with started(serve, environ, paths.base), Client(f"http://127.0.0.1:{port}") as client:
        answer = client.invoke(IRIS.payload.read_bytes(), "text/csv")

    assert answer.body.decode().startswith("setosa\n")
