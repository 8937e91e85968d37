"""What all tests with the engine stand on: the engine, the image, and a model that it trained."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from byo.algorithm_folder import Algorithm
from byo.tree.job_tree import sample_job
from contract import Paths
from tests.container import engine

HERE = Path(__file__).parent
DEFAULT_IMAGE = "byo:latest"
ALGORITHM = Algorithm(HERE.parents[1] / "algorithm")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that -m can leave them out."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("engine")
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Skip the whole folder where there is no engine."""
    reason = engine.absence()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def image() -> str:
    """The name of the image under test: BYO_IMAGE, which has to be there if it is set."""
    name = os.environ.get("BYO_IMAGE") or DEFAULT_IMAGE
    if not engine.has_image(name):
        tell = pytest.fail if os.environ.get("BYO_IMAGE") else pytest.skip
        tell(f"there is no image {name}: make image")
    return name


@pytest.fixture
def folder(image: str, tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own that containers may write to."""
    yield tmp_path
    if os.getuid() != 0:
        engine.give_back(image, tmp_path)


@pytest.fixture(scope="session")
def trained(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paths]:
    """An /opt/ml tree on which the image has trained the default algorithm."""
    base = tmp_path_factory.mktemp("trained")
    paths = sample_job(base / "ml", ALGORITHM)
    ended = engine.run(image, "train", options=engine.mount(paths.base, "/opt/ml"))
    assert ended.code == 0, ended.log
    yield paths
    if os.getuid() != 0:
        engine.give_back(image, base)
