"""The process of many models: a shared host, from the inside."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import socket
from collections import deque
from http import HTTPStatus
from pathlib import Path
from typing import Any

from contract import container_log
from contract.errors import ByoError
from contract.machine import this_machine
from contract.settings import ServingSettings
from handler.host import model_load_reporting, out_of_memory
from handler.host.one_model import LOAD_SECONDS
from handler.invocation.context import ModelContext
from handler.metrics.model_record import close_record
from handler.processes.awake_clock import AwakeClock
from handler.processes.backoff import Backoff
from handler.processes.capacity_plan import plan
from handler.processes.growth_bound import bound_growth
from handler.processes.kill_order import Turn, take_turn
from handler.processes.load_occasion import LoadOccasion
from handler.processes.process_shared_memory import ProcessRecord
from handler.protocol.connection_handover import HandoverGiver, HandoverTaker
from handler.protocol.loaded_model import LoadedModel
from handler.protocol.own_connections_loop import OwnConnectionsLoop
from handler.protocol.wire_format import Invoke

logger = logging.getLogger(__name__)

LONGEST_MESSAGE = 65536
# Who keeps the other models of a host waiting for so long is to have one of its own.
SLOW_SECONDS = 1.0
# How often to see whether a model that is away is to be loaded again.
RETRY_SECONDS = 0.5
# These processes print past the frontend, which stamps what others print.
LOG_FORM = "%(asctime)s [shared] %(message)s"
_LIBC = ctypes.CDLL(None)


class ManyModelsHost:
    """Serves the models that the fork server names.

    Args:
        channel: where the fork server names them.
        settings: the serving settings.
        record: what this process tells the fork server.
    """

    def __init__(
        self, channel: socket.socket, settings: ServingSettings, record: ProcessRecord
    ) -> None:
        self._channel = channel
        self._settings = settings
        self._record = record
        self._clock = AwakeClock()
        self._slow: set[LoadedModel] = set()  # those of which the fork server has been told
        self._worker = OwnConnectionsLoop(self._counted, self._answer)
        self._models: dict[int, tuple[LoadedModel, socket.socket]] = {}
        self._broken: deque[int] = deque()  # places of models that are still to be refused
        self._away: dict[int, Backoff] = {}  # places of models that can't be loaded again

    def run(self) -> None:
        """Serve for ever; this process ends with the fork server."""
        container_log.configure(self._settings.log_level, LOG_FORM)
        take_turn(Turn.SERVING)
        bound_growth(this_machine().memory)
        self._worker.watch(self._channel.fileno(), self._hear)
        while True:
            self._worker.turn(RETRY_SECONDS if self._away else None)
            while self._broken:
                self._refuse(self._broken.popleft())
            for place in [one for one, pause in self._away.items() if pause.is_due()]:
                self._load_again(place)

    def _answer(self, model: LoadedModel, messages: list[Invoke]) -> list[list[bytes]]:
        """Have a model answer; one that keeps the others waiting for long is to leave."""
        start = self._clock.now()
        try:
            return model.answer(messages)
        finally:
            seconds = self._clock.now() - start
            if seconds > SLOW_SECONDS and len(self._models) > 1 and model not in self._slow:
                self._tell_slow(model, seconds)

    def _tell_slow(self, model: LoadedModel, seconds: float) -> None:
        self._slow.add(model)
        logger.warning(
            "model %r kept the other models of its host waiting for %.1f s: it gets a host of its "
            "own",
            model.name,
            seconds,
        )
        for place, (one, _) in self._models.items():
            if one is model:
                self._tell("slow", place)

    def _hear(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._channel, LONGEST_MESSAGE, 1)
        if not data:
            raise SystemExit(0)
        message = json.loads(data)
        if "take" in message:
            model = LoadedModel(message["model"], Path(message["dir"]))
            listener = socket.socket(fileno=descriptors[0])
            self._take(message, model, listener)
        elif descriptors:
            self._hand_over(message, socket.socket(fileno=descriptors[0]))
        elif message.get("drop") in self._models:
            self._drop(message["drop"])
        elif message.get("drop if deserted") in self._models:
            model, _ = self._models[message["drop if deserted"]]
            # A model that was refused still has to tell so; one with connections is dropped as
            # soon as the frontend has closed them.
            if not (model.is_refused or self._worker.has_connections(model)):
                self._drop(message["drop if deserted"])

    def _take(self, message: dict[str, Any], model: LoadedModel, listener: socket.socket) -> None:
        place, occasion = message["take"], LoadOccasion(message["occasion"])
        if occasion is LoadOccasion.ANEW and not self._loads_anew(model):
            listener.close()
            self._tell("left", place)
            return
        self._models[place] = model, listener
        if occasion is LoadOccasion.FIRST:
            self._load_first(place, message["pid"], model)
        elif occasion is LoadOccasion.AGAIN:
            self._load_again(place)
        else:
            self._tell("loaded", place)
        self._worker.serve(model, listener)

    def _load_first(self, place: int, launcher: int, model: LoadedModel) -> None:
        """The frontend waits to be told how the load goes."""
        try:
            self._load(model)
        except MemoryError:
            out_of_memory.end_executed_process(launcher)
            model.failed(HTTPStatus.INSUFFICIENT_STORAGE, out_of_memory.NO_MEMORY)
        except ByoError:
            self._broken.append(place)
        else:
            self._tell("loaded", place)

    def _load_again(self, place: int) -> None:
        """Load a model that a host has had; as long as that fails, callers are told why."""
        model, _ = self._models[place]
        pause = self._away.setdefault(place, Backoff())
        pause.begun()
        try:
            self._load(model)
        except (ByoError, MemoryError) as error:
            model.away(str(error) or out_of_memory.NO_MEMORY)
            pause.failed()
        else:
            del self._away[place]
            self._tell("loaded", place)

    def _loads_anew(self, model: LoadedModel) -> bool:
        """Load a model that another process serves until this one has it, and after that if not."""
        try:
            self._load(model, is_served=True)
        except (ByoError, MemoryError):
            return False
        return True

    def _load(self, model: LoadedModel, *, is_served: bool = False) -> None:
        context = ModelContext(model.name, model.model_dir)
        limit = self._record.limit
        pipeline = model_load_reporting.load(
            model.name,
            model.model_dir,
            self._settings,
            context,
            limit,
            is_served=is_served,
            has_neighbours=len(self._models) > 1,
        )
        model.loaded(pipeline)
        gc.freeze()

    def _hand_over(self, message: dict[str, int], way: socket.socket) -> None:
        """Give a model's connections to another process, or take them from one."""
        place = message.get("give", message.get("adopt", 0))
        if place not in self._models:  # it has left meanwhile
            way.close()
            return
        model, listener = self._models[place]
        if "adopt" in message:
            self._worker.take_over(model, HandoverTaker(way))
        else:
            self._away.pop(place, None)  # where it goes, it is there
            self._worker.give_away(model, listener, HandoverGiver(way), lambda: self._forget(place))

    def _refuse(self, place: int) -> None:
        """Drop a model that can't be loaded, once the frontend has asked to load it.

        It answers with 500 then, as its connections are closed, and ends the launcher.
        """
        if place in self._models:
            model, _ = self._models[place]
            connections = plan(self._settings, this_machine()).connections
            self._worker.wait_for_loads(model, connections, LOAD_SECONDS)
        if place in self._models:  # the frontend may have changed its mind
            self._drop(place)

    def _drop(self, place: int) -> None:
        self._forget(place)
        self._give_memory_back()

    def _forget(self, place: int) -> None:
        model, listener = self._models.pop(place)
        close_record(model.name)
        self._slow.discard(model)
        self._away.pop(place, None)
        self._worker.forget(model, listener)
        listener.close()
        self._tell("left", place)

    def _tell(self, what: str, place: int) -> None:
        with contextlib.suppress(OSError):  # the fork server has gone: this process is to end, too
            self._channel.send(json.dumps({what: place}).encode())

    def _counted(self, model: LoadedModel, connections: int) -> None:
        """Once the frontend has closed every connection of a model, it wants its memory back."""
        if connections:
            return
        for place, (one, _) in self._models.items():
            if one is model:
                self._drop(place)
                return

    def _give_memory_back(self) -> None:
        gc.collect()
        _LIBC.malloc_trim(0)
