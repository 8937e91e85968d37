"""What `byo train` notes in a tree: whose model it holds, how the run ended, what byo wrote."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

FILE_NAME = ".byo-run.json"

Outcome = Literal["unknown", "running", "succeeded", "failed"]


@dataclass
class RunRecord:
    """The record of a tree's last run.

    Args:
        algorithm: the algorithm folder that was trained, or None for an image's own.
        outcome: how the run ended; ``running`` stays where the command was killed.
        wrote: the SHA-256 of each file that byo wrote into the tree, by its path in the tree.
        channels: the channels that byo put into the tree.
    """

    algorithm: str | None = None
    outcome: Outcome = "unknown"
    wrote: dict[str, str] = field(default_factory=dict)
    channels: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, base: Path) -> RunRecord:
        """The record in a tree; an empty one where there is none that can be read."""
        try:
            content = json.loads((base / FILE_NAME).read_bytes())
            record = cls(**content)
        except (OSError, ValueError, TypeError):
            return cls()
        return record if record.outcome in get_args(Outcome) else cls()

    def save(self, base: Path) -> None:
        """Write the record into a tree."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (base / FILE_NAME).write_text(text, encoding="utf-8")

    def note_file(self, base: Path, file: Path) -> None:
        """Note that byo has just written a file."""
        self.wrote[str(file.relative_to(base))] = _digest(file)

    def is_ours(self, base: Path, file: Path) -> bool:
        """Whether a file is as byo wrote it: what a user has edited since is the user's."""
        noted = self.wrote.get(str(file.relative_to(base)))
        return noted is not None and file.is_file() and _digest(file) == noted


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
