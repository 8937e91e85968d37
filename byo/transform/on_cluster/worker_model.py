"""The model in a worker's process: loaded once, by what the scheduler gives every worker it has.

A worker that takes a dead one's place is given the same, so it has the model before its first part.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

from contract.paths import BASE_DIR_VARIABLE, Paths
from contract.settings import ALGORITHM_DIR_VARIABLE, ServingSettings
from handler.invocation.pipeline import Pipeline
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request, Response

MODEL, CODE = "model", "code"


@dataclass
class LoadedModel:
    """A pipeline, which answers one request at a time: a user's code need not stand threads.

    Args:
        pipeline: the pipeline.
        base: the folder that its model and its code lie in.
    """

    pipeline: Pipeline
    base: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, request: Request) -> Response:
        with self.lock:
            return self.pipeline.invoke(request)


def plugin_name(digest: str) -> str:
    """What the scheduler knows a model's plugin by."""
    return f"byo-transform-{digest}"


# By the job's digest: of one worker process.
LOADED: dict[str, LoadedModel] = {}


class ModelOnWorkers(WorkerPlugin):
    """Loads a model on each worker.

    Args:
        digest: names the model among those of a worker.
        packed: the model and the code around it, as `pack` makes it.
        environ: variables that the model and its code are to see.
    """

    def __init__(self, digest: str, packed: bytes, environ: Mapping[str, str]) -> None:
        self.name = plugin_name(digest)
        self._digest = digest
        self._packed = packed
        self._environ = dict(environ)

    def setup(self, worker: Any) -> None:
        if self._digest in LOADED:
            return
        for other in LOADED.values():  # whose modules may have the same names
            _forget_modules(other.base)
        base = Path(tempfile.mkdtemp(prefix="byo-model-", dir=worker.local_directory))
        with tarfile.open(fileobj=io.BytesIO(self._packed)) as archive:
            archive.extractall(base, filter="data")
        own = {BASE_DIR_VARIABLE: str(base), ALGORITHM_DIR_VARIABLE: str(base / CODE)}
        os.environ.update(self._environ)
        settings = ServingSettings.from_environ({**os.environ, **own})
        pipeline = load_pipeline(Paths(base).model, settings)
        LOADED[self._digest] = LoadedModel(pipeline, base)

    def teardown(self, worker: Any) -> None:
        loaded = LOADED.pop(self._digest, None)
        if loaded is not None:
            _forget_modules(loaded.base)
            shutil.rmtree(loaded.base, ignore_errors=True)


def pack(model: Path, code: Path) -> bytes:
    """A model directory and an algorithm folder as one archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as archive:
        archive.add(model.resolve(), MODEL)
        archive.add(code.resolve(), CODE, filter=_counts)
    return packed.getvalue()


def _forget_modules(base: Path) -> None:
    """Let the next model's code be imported where this one's was."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(base):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not Path(entry).is_relative_to(base)]


def _counts(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """What of an algorithm folder a model may need: neither its data nor what tools keep there."""
    parts = member.name.split("/")[1:]
    left_out = {"__pycache__", "sample", ".byo", ".git", ".venv"}
    return None if left_out & set(parts) else member
