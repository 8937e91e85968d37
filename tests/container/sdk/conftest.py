"""Each version of the SDK and moto in an environment of its own; the project's own has none."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container import engine
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked
from tests.container.sdk.workplace import Workplace, workplace


@pytest.fixture(scope="session", autouse=True)
def _local_mode(_engine: None) -> None:
    """Skip where local mode can't work, or no environment can be made."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv")
    compose = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if compose.returncode:
        pytest.skip("the SDK's local mode needs Docker Compose")


@pytest.fixture(scope="session")
def sdk2() -> Path:
    """The python that has version 2 of the SDK."""
    return locked("sdk2")


@pytest.fixture(scope="session")
def sdk3() -> Path:
    """The python that has version 3 of the SDK."""
    return locked("sdk3")


@pytest.fixture(scope="module")
def place(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A user's folder for all programs of one module."""
    with workplace(tmp_path_factory.mktemp("place"), image) as made:
        yield made


@pytest.fixture(scope="module")
def s3(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 that containers can reach."""
    log = tmp_path_factory.mktemp("moto") / "log"
    with moto_server(locked("moto"), engine.gateway(image), log) as url:
        yield url
