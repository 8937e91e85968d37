"""Which changes of files ask for another load, and when."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.paths import Paths
from contract.settings import ServingSettings
from handler.fork_server.saved_requests import SavedRequest
from handler.processes.launch_request import LaunchRequest
from handler.serve import watched_files
from handler.serve.change_watch import QUIET_SECONDS, SOON_TIMES, UNREST_SECONDS, Changes
from handler.serve.watched_files import WatchedFiles, look_into

# At rest after two of them; a sum of such numbers is exact.
STEP = 0.125
assert STEP < QUIET_SECONDS < 2 * STEP


class Watched:
    """A single model's server, looked at in a time that is the test's own."""

    def __init__(self, root: Path) -> None:
        self.program, self.model = root / "program", root / "ml" / "model"
        self.now = 0.0
        for folder in (self.program, self.model):
            folder.mkdir(parents=True)
        (self.program / "inference.py").write_text("1")
        (self.model / "model.joblib").write_text("1")
        settings = ServingSettings(paths=Paths(root / "ml"), algorithm_dir=self.program)
        self.files = WatchedFiles(settings, root)
        self.changes = Changes(self.files.look())

    def after(self, seconds: float = STEP) -> set[str]:
        """What is told after a while, by the names of the files."""
        self.now += seconds
        return {Path(one).name for one in self.changes.settled(self.files.look(), self.now)}

    def told(self) -> set[str]:
        """What is told until nothing moves any more."""
        return self.after() | self.after() | self.after()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def by_rename(file: Path) -> None:
    """As editors and `joblib.dump` beside the file do it, of the same size and time."""
    told = file.stat()
    new = file.with_name(f".{file.name}.new")
    new.write_text("2" * told.st_size)
    os.utime(new, ns=(told.st_atime_ns, told.st_mtime_ns))
    new.replace(file)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda one: (one.program / "inference.py").write_text("22"), "inference.py"),
        (lambda one: by_rename(one.program / "inference.py"), "inference.py"),
        (lambda one: (one.program / "inference.py").unlink(), "inference.py"),
        (lambda one: (one.program / "labels.json").write_text("{}"), "labels.json"),
        (lambda one: by_rename(one.model / "model.joblib"), "model.joblib"),
    ],
    ids=["written", "renamed", "removed", "new", "model"],
)
def test_a_change_is_told_once(
    watched: Watched, change: Callable[[Watched], object], name: str
) -> None:
    """Whatever way it was saved, and with no word before it is at rest."""
    assert watched.told() == set()
    change(watched)

    assert watched.after() == set()
    assert watched.told() == {name}
    assert watched.told() == set()


def test_what_is_no_code_and_no_model_does_not_count(watched: Watched) -> None:
    """What editors, Python and the user's tools write beside."""
    folders = ("__pycache__", ".git", "environment", "sample")
    for folder in folders:
        (watched.program / folder).mkdir()
    (watched.program / "environment" / "pyvenv.cfg").touch()
    for folder in folders:
        (watched.program / folder / "one.py").touch()
    for name in (".inference.py.swp", "inference.py~", "4913", "#inference.py#", "train.log"):
        (watched.program / name).touch()

    assert watched.told() == set()


def test_files_of_one_save_are_told_together(watched: Watched) -> None:
    """The first waits for the last, but not for one that is written for ever."""
    (watched.program / "inference.py").write_text("22")
    assert watched.after() == set()
    (watched.program / "helper.py").write_text("22")
    assert watched.after() | watched.after() == set()
    assert watched.after() == {"inference.py", "helper.py"}

    (watched.program / "inference.py").write_text("333")
    told = set()
    for size in range(int(UNREST_SECONDS / STEP) + 2):
        (watched.program / "answers.txt").write_text("1" * size)
        told |= watched.after()
    assert told == {"inference.py"}


def test_a_model_that_is_being_trained_is_waited_for(watched: Watched) -> None:
    """Training empties the model's folder first: nothing is loaded from an empty one."""
    (watched.model / "model.joblib").rename(watched.model.parent / "previous")
    assert watched.told() == set()

    (watched.model / "model.joblib").write_text("22")
    assert watched.told() == {"model.joblib"}


def test_what_each_load_writes_is_left_out(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Else it would be loaded for ever; a module counts however often it is saved."""
    for size in range(2, SOON_TIMES + 4):
        (watched.model / "cache.bin").write_text("1" * size)
        (watched.program / "inference.py").write_text("1" * size)
        told = watched.told()

    assert told == {"inference.py"}
    assert "model/cache.bin changes whenever it has been loaded" in caplog.text


def test_models_come_and_go_without_a_change(tmp_path: Path) -> None:
    """Of many models, those that are loaded are watched, each from its load on."""
    settings = ServingSettings(algorithm_dir=tmp_path / "program", multi_model=True)
    files = WatchedFiles(settings, tmp_path)
    changes = Changes(files.look())
    model = tmp_path / "first"
    model.mkdir()
    (model / "model.joblib").write_text("1")
    saved = SavedRequest(tmp_path, LaunchRequest(1, "first", model, "unix", "address"))

    saved.save()
    assert changes.settled(files.look(), 1.0) == set()
    (model / "model.joblib").write_text("22")
    assert changes.settled(files.look(), 2.0) == set()
    assert changes.settled(files.look(), 3.0) == {str(model / "model.joblib")}
    saved.delete()
    assert changes.settled(files.look(), 4.0) | changes.settled(files.look(), 5.0) == set()


def test_large_trees_and_links_in_circles_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder is looked into once, the upper ones first, and no more than so many files."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "back").symlink_to(tmp_path)
    (deep / "nowhere").symlink_to(tmp_path / "nothing")
    for folder in (tmp_path, deep):
        (folder / "one.py").touch()
    assert look_into(str(tmp_path)).files.keys() == {f"{tmp_path}/one.py", f"{deep}/one.py"}

    monkeypatch.setattr(watched_files, "MOST_FILES", 1)
    looked = look_into(str(tmp_path))
    assert looked.files.keys() == {f"{tmp_path}/one.py"}
    assert not looked.is_whole
