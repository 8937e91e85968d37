"""``byo pin``: for after a change of one's own in a model folder."""

from __future__ import annotations

from pathlib import Path


def test_pins_are_written_and_checked(run_byo, tmp_path: Path) -> None:
    """What differs is one line; a folder without files or that is not there can't be pinned."""
    folder = tmp_path / "model"
    folder.mkdir()
    empty = run_byo("pin", folder)
    (folder / "model.joblib").write_bytes(b"model")
    written = run_byo("pin", folder)
    same = run_byo("pin", "--check", folder)
    (folder / "model.joblib").write_bytes(b"other")
    differs = run_byo("pin", "--check", folder)
    absent = run_byo("pin", tmp_path / "absent")

    assert (empty.returncode, absent.returncode) == (2, 2)
    assert (written.returncode, written.stdout) == (0, f"{folder}/SHA256SUMS: 1 file pinned\n")
    assert (same.returncode, same.stdout) == (0, f"{folder} is as SHA256SUMS has it\n")
    assert differs.returncode == 1
    assert "changed: model.joblib" in differs.stderr
    assert len(differs.stderr.splitlines()) == 1
