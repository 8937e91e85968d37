"""A folder for a model, and a place where it shows that something of it was run."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Where it shows that something of a folder was run."""
    return tmp_path / "was-run"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty model folder."""
    folder = tmp_path / "model"
    folder.mkdir()
    return folder
