"""Folders that commands write to: copies of read-only ones, and one command at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.tree.folders import copy_anew, held


def test_a_copy_of_a_read_only_folder_can_be_written_and_removed(tmp_path: Path) -> None:
    """Contents are copied, modes are not; a second copy takes the place of the first."""
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "data.csv").write_text("1,2\n")
    (source / "inner" / "data.csv").chmod(0o444)
    (source / "inner").chmod(0o555)

    for _ in range(2):
        copy_anew(source, tmp_path / "copy")

    copy = tmp_path / "copy" / "inner"
    assert (copy / "data.csv").read_text() == "1,2\n"
    assert copy.stat().st_mode & 0o200
    assert (copy / "data.csv").stat().st_mode & 0o200
    (source / "inner").chmod(0o755)


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """The second is told who is there; afterwards the folder is free again."""
    with (
        held(tmp_path, "byo train"),
        pytest.raises(UsageError, match="another byo train is at work"),
        held(tmp_path, "byo train"),
    ):
        pass

    with held(tmp_path, "byo train"):
        pass
