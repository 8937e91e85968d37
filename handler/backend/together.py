"""The process of many models: a shared host, from the inside."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import signal
import socket
import sys
from http import HTTPStatus
from pathlib import Path

from contract.errors import ByoError
from contract.settings import ServingSettings
from handler import inflight, lifecycle
from handler.backend.served import Served
from handler.backend.watch import Note
from handler.backend.worker import Worker
from handler.context import ModelContext

LONGEST_MESSAGE = 65536
_LIBC = ctypes.CDLL(None)


class Together:
    """Serves the models that the template names.

    Args:
        channel: where the template names them.
        settings: the serving settings.
        note: what this process tells the template.
    """

    def __init__(self, channel: socket.socket, settings: ServingSettings, note: Note) -> None:
        self._channel = channel
        self._settings = settings
        self._note = note
        self._worker = Worker(sys.maxsize, self._deserted)
        self._models: dict[int, tuple[Served, socket.socket]] = {}

    def run(self) -> None:
        """Serve for ever; this process ends with the template."""
        for handler in logging.root.handlers:
            handler.setFormatter(logging.Formatter("%(asctime)s [shared] %(message)s"))
        inflight.open_lock()
        self._worker.watch(self._channel.fileno(), self._hear)
        self._worker.run()

    def _hear(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST_MESSAGE, 1)
        if not data:
            raise SystemExit(0)
        message = json.loads(data)
        if "take" in message:
            taken = message["take"]
            listener = socket.socket(fileno=descriptors[0])
            self._take(taken["pid"], Served(taken["model"], Path(taken["dir"])), listener)
        elif message["drop"] in self._models:
            served, _ = self._models[message["drop"]]
            # A model that was refused still has to tell so, and is left when it has.
            if not served.is_refused:
                self._drop(message["drop"])

    def _take(self, launcher: int, served: Served, listener: socket.socket) -> None:
        self._models[launcher] = served, listener
        context = ModelContext(served.name, served.model_dir)
        try:
            pipeline = lifecycle.load(
                served.name, served.model_dir, self._settings, context, self._note.limit
            )
        except MemoryError:
            lifecycle.end_backend(launcher)
            served.failed(HTTPStatus.INSUFFICIENT_STORAGE, lifecycle.NO_MEMORY)
        except ByoError:
            # The frontend answers LOAD with 500 when its connection is closed.
            with contextlib.suppress(ProcessLookupError):
                os.kill(launcher, signal.SIGTERM)
            return
        else:
            served.loaded(pipeline)
            gc.freeze()
        self._worker.serve(served, listener)

    def _drop(self, launcher: int) -> None:
        served, listener = self._models.pop(launcher)
        self._worker.forget(served, listener)
        listener.close()
        self._give_memory_back()

    def _deserted(self, served: Served) -> None:
        """The frontend has closed every connection of a model: it wants its memory back."""
        for launcher, (one, _) in self._models.items():
            if one is served:
                self._drop(launcher)
                return

    def _give_memory_back(self) -> None:
        gc.collect()
        _LIBC.malloc_trim(0)
