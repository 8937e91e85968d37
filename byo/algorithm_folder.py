"""Find the algorithm folder that a command works on, and what its sample holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from byo.command_errors import UsageError
from contract.paths import Paths
from contract.settings import ALGORITHM_DIR_VARIABLE, DEFAULT_ALGORITHM_DIR


@dataclass(frozen=True)
class Algorithm:
    """An algorithm folder: the user's code, and a sample of what it takes."""

    folder: Path

    @property
    def sample(self) -> Paths:
        """The sample as an /opt/ml tree: ``sample/input/config`` and ``sample/input/data``."""
        return Paths(self.folder / "sample")

    @property
    def payload(self) -> Path:
        """A request's body, as CSV."""
        return self.folder / "sample" / "payload.csv"

    @property
    def has_sample(self) -> bool:
        """Whether there is data to train on."""
        data = self.sample.input_data
        return data.is_dir() and any(file.is_file() for file in data.rglob("*"))


def find_algorithm(option: Path | None, environ: Mapping[str, str]) -> Algorithm:
    """The folder asked for, else ``BYO_ALGORITHM_DIR``, else the first usual one with a train.py.

    The usual ones are the current folder, ``./algorithm`` and ``/opt/program``.

    Raises:
        UsageError: the folder does not exist, or there is none to be had.
    """
    named = option or environ.get(ALGORITHM_DIR_VARIABLE)
    if named:
        folder = Path(named)
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder: name an algorithm folder")
        return Algorithm(folder.resolve())
    usual = [Path(), Path("algorithm"), Path(DEFAULT_ALGORITHM_DIR)]
    for folder in usual:
        if (folder / "train.py").is_file():
            return Algorithm(folder.resolve())
    raise UsageError(
        "no train.py in the current folder, ./algorithm or "
        f"{DEFAULT_ALGORITHM_DIR}: name an algorithm folder, or make one with `byo init DIR`"
    )
