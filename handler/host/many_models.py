"""The process of many models: a shared host, from the inside."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import socket
import sys
from collections import deque
from http import HTTPStatus
from pathlib import Path

from contract.errors import ByoError
from contract.machine import this_machine
from contract.settings import ServingSettings
from handler.host import load_reporting
from handler.host.one_model import LOAD_SECONDS
from handler.invocation.context import ModelContext
from handler.processes import inflight_lock
from handler.processes.process_record import Note
from handler.processes.sizing import plan
from handler.protocol.loaded_model import Served
from handler.protocol.worker_loop import Worker

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
        self._worker = Worker(sys.maxsize, self._counted)
        self._models: dict[int, tuple[Served, socket.socket]] = {}
        self._broken: deque[int] = deque()  # places of models that are still to be refused

    def run(self) -> None:
        """Serve for ever; this process ends with the template."""
        for handler in logging.root.handlers:
            handler.setFormatter(logging.Formatter("%(asctime)s [shared] %(message)s"))
        inflight_lock.open_lock()
        self._worker.watch(self._channel.fileno(), self._hear)
        while True:
            self._worker.turn()
            while self._broken:
                self._refuse(self._broken.popleft())

    def _hear(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST_MESSAGE, 1)
        if not data:
            raise SystemExit(0)
        message = json.loads(data)
        if "take" in message:
            served = Served(message["model"], Path(message["dir"]))
            listener = socket.socket(fileno=descriptors[0])
            self._take(message["take"], message["pid"], served, listener)
        elif message["lose"] in self._models:
            served, _ = self._models[message["lose"]]
            # A model that was refused still has to tell so; one with connections is dropped as
            # soon as the frontend has closed them.
            if not (served.is_refused or self._worker.has_connections(served)):
                self._drop(message["lose"])

    def _take(self, place: int, launcher: int, served: Served, listener: socket.socket) -> None:
        self._models[place] = served, listener
        context = ModelContext(served.name, served.model_dir)
        try:
            pipeline = load_reporting.load(
                served.name, served.model_dir, self._settings, context, self._note.limit
            )
        except MemoryError:
            load_reporting.end_backend(launcher)
            served.failed(HTTPStatus.INSUFFICIENT_STORAGE, load_reporting.NO_MEMORY)
        except ByoError:
            self._broken.append(place)
        else:
            served.loaded(pipeline)
            gc.freeze()
        self._worker.serve(served, listener)

    def _refuse(self, place: int) -> None:
        """Drop a model that can't be loaded, once the frontend has asked to load it.

        It answers with 500 then, as its connections are closed, and ends the launcher.
        """
        if place in self._models:
            served, _ = self._models[place]
            connections = plan(self._settings, this_machine()).connections
            self._worker.wait_for_loads(served, connections, LOAD_SECONDS)
        if place in self._models:  # the frontend may have changed its mind
            self._drop(place)

    def _drop(self, place: int) -> None:
        served, listener = self._models.pop(place)
        self._worker.forget(served, listener)
        listener.close()
        self._give_memory_back()
        with contextlib.suppress(OSError):  # the template has gone: this process is to end, too
            self._channel.send(json.dumps({"left": place}).encode())

    def _counted(self, served: Served, connections: int) -> None:
        """Once the frontend has closed every connection of a model, it wants its memory back."""
        if connections:
            return
        for place, (one, _) in self._models.items():
            if one is served:
                self._drop(place)
                return

    def _give_memory_back(self) -> None:
        gc.collect()
        _LIBC.malloc_trim(0)
