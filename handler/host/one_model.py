"""A model's process: loads the model, then serves it, or forks workers that share it.

With one worker, the host serves by itself. With several, the host loads, forks the workers,
which share the model's memory, and forks another when one of them dies.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

from contract import container_log
from contract.errors import ByoError
from contract.machine import MEBIBYTE
from contract.settings import ServingSettings
from handler.host import (
    batch_transform_answer,
    load_memory,
    model_load_reporting,
    out_of_memory,
)
from handler.host.worker_pool import WorkerPool
from handler.invocation.context import ModelContext
from handler.invocation.pipeline import Pipeline
from handler.processes import host_orders, launcher_pipes
from handler.processes.capacity_plan import CapacityPlan
from handler.processes.forked_children import end
from handler.processes.growth_bound import bound_growth
from handler.processes.host_orders import Order
from handler.processes.kill_order import Turn, take_turn
from handler.processes.launch_request import LaunchRequest
from handler.processes.load_occasion import LoadOccasion
from handler.processes.process_memory import anonymous_bytes, parent_of
from handler.processes.process_shared_memory import ProcessRecord
from handler.protocol.connection_handover import HandoverGiver, HandoverTaker
from handler.protocol.loaded_model import LoadedModel
from handler.protocol.own_connections_loop import OwnConnectionsLoop

logger = logging.getLogger(__name__)

MODEL_DIR_VARIABLE = "SM_MODEL_DIR"
# How long a host that lacks memory for its model stays to say so.
REFUSAL_SECONDS = 8
# How long a fork may take that does nothing.
FORK_SECONDS = 5.0
# How long it may be until the frontend asks to load, after it was told that it can.
LOAD_SECONDS = 2.0
# What a JVM that serves one model takes, at least.
LEAST_FRONTEND = 48 * MEBIBYTE
# How long after that to measure what the process has of its own, which LOAD need not wait for.
SETTLED_SECONDS = 0.1


class OneModelHost:
    """One model's process.

    Args:
        request: which model.
        listener: where the frontend connects.
        settings: the serving settings.
        plan: how many workers and connections there are.
        record: what this process tells the fork server.
        orders: what the fork server tells, once another process is to take this one's place, or
            this one another's.
        occasion: why this process loads the model.
        has_neighbours: whether other models are in memory.
    """

    def __init__(
        self,
        request: LaunchRequest,
        listener: socket.socket,
        settings: ServingSettings,
        plan: CapacityPlan,
        record: ProcessRecord,
        orders: socket.socket,
        occasion: LoadOccasion,
        *,
        has_neighbours: bool = False,
    ) -> None:
        self._has_neighbours = has_neighbours
        self._orders = orders
        self._occasion = occasion
        self._request = request
        self._listener = listener
        self._settings = settings
        self._plan = plan
        self._record = record
        self._model = LoadedModel(request.model, request.model_dir)

    def run(self) -> None:
        """Load and serve, until the frontend wants the model no more."""
        self._request.take_over_output()
        container_log.configure(self._settings.log_level)
        take_turn(Turn.LOADING)
        self._move_in()
        if self._settings.multi_model and self._occasion is not LoadOccasion.ANEW:
            # Registration blocks one of the frontend's threads until it is told.
            self._request.tell_started(os.getpid())
        pipeline = self._load(self._record)
        take_turn(Turn.SERVING)
        bound_growth(self._plan.machine.memory)
        if not self._settings.multi_model or self._occasion is LoadOccasion.ANEW:
            # The frontend opens its port now, and is healthy indeed.
            self._request.tell_started(os.getpid())
        if self._plan.workers > 1 and self._can_be_forked():
            self._fork_workers(pipeline)
        else:
            self._serve(once_settled=lambda: load_memory.note_process(self._request.model))

    def _move_in(self) -> None:
        """Be where multi-model-server's own worker would be: in the model's folder."""
        with contextlib.suppress(OSError):
            os.chdir(self._request.model_dir)
        sys.path.append(str(self._request.model_dir))
        # As scripts know it that are both trained and served.
        os.environ.setdefault(MODEL_DIR_VARIABLE, str(self._request.model_dir))

    def _load(self, record: ProcessRecord) -> Pipeline:
        """Load the model; a process that can't load it ends.

        The frontend then answers LOAD with 500, as its connection is closed.
        """
        pipeline = self._loaded(record)
        if isinstance(pipeline, HTTPStatus):
            self.refuse(pipeline)
        if not self._settings.multi_model:
            folder = Path(os.environ[launcher_pipes.DIR_VARIABLE])
            batch_transform_answer.ask_user(pipeline, folder)
        record.tell_loaded()
        self._model.loaded(pipeline)
        # What is here now stays: looking through it for garbage would only un-share its pages.
        gc.collect()
        gc.freeze()
        return pipeline

    def _loaded(self, record: ProcessRecord) -> Pipeline | HTTPStatus:
        """The model, or what its load is refused with: by then nothing holds the rest of it."""
        request = self._request
        context = ModelContext(request.model, request.model_dir)
        try:
            return model_load_reporting.load(
                request.model,
                request.model_dir,
                self._settings,
                context,
                record.limit,
                is_served=self._occasion is LoadOccasion.ANEW,
                has_neighbours=self._has_neighbours,
                starting=self._frontend_will_take(),
            )
        except MemoryError as error:
            record.tell_reason(str(error) or out_of_memory.NO_MEMORY)
            return HTTPStatus.INSUFFICIENT_STORAGE
        except ByoError as error:
            record.tell_reason(str(error))
            return HTTPStatus.INTERNAL_SERVER_ERROR

    def _frontend_will_take(self) -> int:
        """Bytes that the frontend is still to take, which starts while a single model loads."""
        if self._settings.multi_model or self._occasion is not LoadOccasion.FIRST:
            return 0
        try:
            taken = anonymous_bytes(parent_of(self._request.pid))
        except ProcessLookupError:
            return 0
        return max(0, LEAST_FRONTEND - taken)

    def refuse_for_another(self, status: HTTPStatus) -> NoReturn:
        """Refuse in place of a host that has ended, maybe before it told that it had started.

        Untold, the frontend would wait for a minute, in a thread that others' clients need.
        """
        self._request.tell_started(os.getpid())
        self.refuse(status)

    def refuse(self, status: HTTPStatus) -> NoReturn:
        """End, once the frontend has asked to load: with 507 as the answer, or with none.

        A model that has served is none to refuse: another process says why it is away.

        It takes a connection that is closed on it for a 500. For a 507 it has to be told, and
        must find its process ended by then.
        """
        if self._occasion is LoadOccasion.ANEW:
            self._record.tell_refusing()
        elif self._settings.multi_model and self._occasion is LoadOccasion.FIRST:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(REFUSAL_SECONDS)
            worker = OwnConnectionsLoop(self._counted)
            worker.serve(self._model, self._listener)
            worker.wait_for_loads(self._model, self._plan.connections, LOAD_SECONDS)
            # Told before the launcher ends: its end is no reason any more to kill this process.
            self._record.tell_refusing()
            if status == HTTPStatus.INSUFFICIENT_STORAGE:
                out_of_memory.end_executed_process(self._request.pid)
                self._model.failed(status, self._record.reason or out_of_memory.NO_MEMORY)
                worker.tell_loaded(self._model)
                worker.run()
        raise SystemExit(1)

    def say_why_away(self, reason: str) -> None:
        """Answer in place of a host as long as none can load the model."""
        self._request.take_over_output()
        container_log.configure(self._settings.log_level)
        self._model.away(reason)
        self._serve()

    def _can_be_forked(self) -> bool:
        """Whether workers can be forked: a process with threads can't soundly, and says so.

        Some threads end by themselves before a fork, as those of OpenBLAS do, which are there
        wherever a setting gives it more than one: after a fork for nothing they are gone.
        """
        if _is_single_threaded() or (_fork_for_nothing() and _is_single_threaded()):
            return True
        logger.warning(
            "model %r has started threads while it loaded: one process answers for it, in the "
            "place of %d workers",
            self._request.model,
            self._plan.workers,
        )
        return False

    def _serve(self, once_settled: Callable[[], None] = lambda: None) -> None:
        worker = OwnConnectionsLoop(self._counted)
        worker.serve(self._model, self._listener)
        worker.watch(self._orders.fileno(), lambda: self._obey(worker))
        settled_at = time.monotonic() + SETTLED_SECONDS
        while (left := settled_at - time.monotonic()) > 0:
            worker.turn(left)
        once_settled()
        worker.run()

    def _obey(self, worker: OwnConnectionsLoop) -> None:
        """Give the connections to the process that takes this one's place, or take another's."""
        order = host_orders.receive(self._orders)
        if order is None:  # the fork server has ended, and this process is about to
            raise SystemExit(0)
        what, way = order
        if what is Order.GIVE:
            worker.give_away(self._model, self._listener, HandoverGiver(way), _end)
        else:
            worker.take_over(self._model, HandoverTaker(way))

    def _counted(self, model: LoadedModel, connections: int) -> None:
        """Once the frontend has closed every connection, it wants the model's memory back."""
        self._record.tell_connections(connections)
        if connections == 0:
            raise SystemExit(0)

    def _fork_workers(self, pipeline: Pipeline) -> None:
        load_memory.note_process(self._request.model)  # none of them has anything of its own yet

        def model_for(record: ProcessRecord) -> LoadedModel:
            self._model.loaded(pipeline.limited_by(record.limit))
            return self._model

        number, connections = self._plan.workers, self._plan.connections
        share = -(-connections // number)
        pool = WorkerPool(number, model_for, self._listener, self._request.pid, share, self._orders)
        pool.run(self._record.tell_connections)


def _end() -> NoReturn:
    raise SystemExit(0)


def _fork_for_nothing() -> bool:
    """Whether a fork comes to its end: one with a lock that a thread holds may wait for ever."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the threads that are there
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    until = time.monotonic() + FORK_SECONDS
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > until:
            end(pid)
            os.waitpid(pid, 0)
            return False
        time.sleep(0.001)
    return True


def _is_single_threaded() -> bool:
    return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
