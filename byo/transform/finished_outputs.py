"""What of a job is done already: a record beside the outputs, by which a second run goes on.

``.byo-transform.jsonl`` has a line for each job that wrote there, with its settings, and a line for
each output, with what it was made of. An output counts as done where the job's settings and model,
the input and the output's own bytes are as the record has them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byo.objects import ObjectInfo
from byo.transform.outputs import RECORD, Outputs

# Between two writes of the record to S3, which takes it whole.
PUT_SECONDS = 5.0


class FinishedOutputs:
    """The record of an output place.

    Args:
        outputs: the place.
        settings: what decides the outputs of this job: its settings, its model.
    """

    def __init__(self, outputs: Outputs, settings: Mapping[str, Any]) -> None:
        self._outputs = outputs
        self._settings = dict(settings)
        self.job = _digest(settings)
        self._lines: list[bytes] = []
        self._jobs: dict[str, Mapping[str, Any]] = {}
        self._done: dict[str, Mapping[str, Any]] = {}
        self._put_at = 0.0
        for line in outputs.read(RECORD).splitlines():
            self._read(line)
        self._there = outputs.listed()
        if self.job not in self._jobs:
            self._append({"job": self.job, "settings": self._settings})

    def why(self, name: str, source: Mapping[str, Any]) -> str | None:
        """Why an output is to be made; None where it is done.

        Args:
            name: the output's.
            source: what it is made of: address, etag, size, and what else decides it.
        """
        known, there = self._done.get(name), self._there.get(name)
        if known is None or there is None:
            return "there is no output"
        if known["job"] != self.job:
            return f"the job was another: {self._differences(str(known['job']))}"
        if not source["etag"]:
            return "the input may have changed: what it comes from does not say"
        if known["source"] != dict(source):
            return "the input has changed"
        return None if self._is_as_noted(name, there, known) else "the output has changed"

    def note(
        self, name: str, source: Mapping[str, Any], size: int, sha256: str, **more: Any
    ) -> None:
        """Note that an output is there."""
        entry = {"output": name, "job": self.job, "source": dict(source), "size": size}
        self._append({**entry, "sha256": sha256, **more})

    def close(self) -> None:
        """Have the record whole at its place."""
        if self._outputs.folder is None:
            self._outputs.put(RECORD, b"".join(self._lines))

    def knows(self, name: str) -> bool:
        """Whether an output was there once."""
        return name in self._done

    def _read(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            if "output" in entry:
                self._done[entry["output"]] = entry
            else:
                self._jobs[entry["job"]] = entry["settings"]
        except (ValueError, KeyError, TypeError):
            return  # of a job that was killed while it wrote
        self._lines.append(line + b"\n")

    def _append(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        self._read(line.rstrip())
        if self._outputs.folder is not None:
            file = self._outputs.file(RECORD)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab+") as stream:
                _end_line(stream)
                stream.write(line)
        elif time.monotonic() - self._put_at > PUT_SECONDS:
            self._outputs.put(RECORD, b"".join(self._lines))
            self._put_at = time.monotonic()

    def _differences(self, job: str) -> str:
        before = self._jobs.get(job, {})
        names = sorted({*before, *self._settings})
        changed = [name for name in names if before.get(name) != self._settings.get(name)]
        return ", ".join(changed) or "its settings are not known"

    def _is_as_noted(self, name: str, there: ObjectInfo, known: Mapping[str, Any]) -> bool:
        if there.size != known["size"]:
            return False
        return (
            self._outputs.folder is None or sha256_of(self._outputs.file(name)) == known["sha256"]
        )


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _end_line(stream: Any) -> None:
    """Let a line that a killed job has not ended not spoil the next one."""
    if stream.seek(0, 2):
        stream.seek(-1, 2)
        if stream.read(1) != b"\n":
            stream.write(b"\n")
