"""Whether it is the installed packages that are tested, or those of the checkout."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

PACKAGES = ("contract", "handler", "training_entry", "byo", "sagemaker_containers")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--installed",
        action="store_true",
        help="fail unless the packages are imported from where a wheel is installed",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Nothing is tested with packages of the checkout where the wheel's are meant."""
    if not session.config.getoption("--installed"):
        return
    places = {name: Path(str(import_module(name).__file__)) for name in PACKAGES}
    others = {name: file for name, file in places.items() if "site-packages" not in file.parts}
    if others:
        raise pytest.UsageError(f"--installed, but these are not of the wheel: {others}")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As a worker has it where there are as many workers as CPUs."""
    with threadpool_limits(1):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """A user's modules go with the test that made them: each has an ``inference`` of its own."""
    path, known = list(sys.path), set(sys.modules)
    try:
        return (yield)
    finally:
        sys.path[:] = path
        folder: Path | None = getattr(item, "funcargs", {}).get("tmp_path")
        for name in set(sys.modules) - known if folder else ():
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]
