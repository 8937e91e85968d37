"""Find the algorithm folder that a command works on, and what its sample holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    The usual ones are the current folder, ``./algorithm`` and ``/opt/program``. Every command
    goes by this rule.

    Raises:
        UsageError: the folder does not exist, or there is none to be had.
    """
    found = algorithm_if_any(option, environ, ("train.py",))
    if found is None:
        raise UsageError(
            "no train.py in the current folder, ./algorithm or "
            f"{DEFAULT_ALGORITHM_DIR}: name an algorithm folder, or make one with `byo init DIR`"
        )
    return found


def algorithm_if_any(
    option: Path | None, environ: Mapping[str, str], files: Sequence[str]
) -> Algorithm | None:
    """The same folder, or None if there is none to be had.

    Args:
        option: the folder asked for.
        environ: the environment.
        files: what makes a usual folder count: any of these.

    Raises:
        UsageError: the folder asked for does not exist.
    """
    named = option or environ.get(ALGORITHM_DIR_VARIABLE)
    if named:
        folder = Path(named)
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder: name an algorithm folder")
        return Algorithm(folder.resolve())
    for folder in (Path(), Path("algorithm"), Path(DEFAULT_ALGORITHM_DIR)):
        if any((folder / file).is_file() for file in files):
            return Algorithm(folder.resolve())
    return None
