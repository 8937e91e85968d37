"""The launch requests of the models that are held, saved for the next fork server.

A launcher announces its model to the next fork server itself, but it may have been killed by
then, or be killed before it comes to that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from contract.atomic_write import write_whole
from handler.processes.launch_request import LaunchRequest

PREFIX = "launch-"


class SavedRequest:
    """One launch request in a file of its own.

    Args:
        folder: the server's scratch folder.
        request: what to save.
    """

    def __init__(self, folder: Path, request: LaunchRequest) -> None:
        self._file = folder / f"{PREFIX}{request.pid}.json"
        self._request = request

    def save(self) -> None:
        """Write it.

        Raises:
            OSError: it can't be written.
        """
        members = {**asdict(self._request), "model_dir": str(self._request.model_dir)}
        write_whole(self._file, json.dumps({**members, "again": True}))

    def delete(self) -> None:
        """The frontend wants the model no more."""
        self._file.unlink(missing_ok=True)


def read_saved(folder: Path) -> Iterator[LaunchRequest]:
    """What a fork server before this one has saved."""
    for file in sorted(folder.glob(f"{PREFIX}*.json")):
        request = LaunchRequest(**json.loads(file.read_text(encoding="utf-8")))
        yield replace(request, model_dir=Path(request.model_dir))
