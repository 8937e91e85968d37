"""How the container's CPUs and memory are divided: workers, their connections, the JVM's heap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contract.machine import MEBIBYTE, Machine
from contract.settings import ServingSettings

HEAP_SHARE = 4
LEAST_HEAP = 64 * MEBIBYTE
# Bodies pass through the heap, a few times their size; more than this is memory for models.
MOST_HEAP = 4096 * MEBIBYTE
# The heap holds little but what becomes garbage at once: it is collected early rather than spread
# over memory that models need, yet not too often where many CPUs answer.
LEAST_YOUNG = 32 * MEBIBYTE
YOUNG_PER_CPU = 16 * MEBIBYTE
MOST_YOUNG = 256 * MEBIBYTE
# What the JVM needs beside its heap, and the supervisor and the fork server with what they import.
BASE = 320 * MEBIBYTE
# What one more worker needs, apart from the model itself: one that shares its imports, and one
# of multi-model-server's own, which shares nothing.
WORKER = 48 * MEBIBYTE
STOCK_WORKER = 160 * MEBIBYTE
# A connection carries one invocation at a time, so so many can be answered together. Each costs
# the JVM a thread, which counts where models are many.
CONNECTIONS_PER_WORKER = 16
CONNECTIONS_OF_MANY = 2
# The settings of the libraries that start threads of their own for a computation.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True)
class CapacityPlan:
    """What each gets.

    Args:
        machine: what there is to be divided.
        workers: processes that answer for one model.
        connections: how many invocations of one model can be with its workers at a time.
        client_threads: how many of the frontend's threads talk to clients.
        worker_threads: how many of them talk to workers.
        threads: how many threads one computation of a worker may use.
        heap: bytes of the JVM's heap.
        young_heap: how many of them are for what is new.
    """

    machine: Machine
    workers: int
    connections: int
    client_threads: int
    worker_threads: int
    threads: int
    heap: int
    young_heap: int

    def __str__(self) -> str:
        return (
            f"{self.machine}, workers per model {self.workers}, "
            f"JVM heap up to {self.heap // MEBIBYTE} MB"
        )

    def thread_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables that keep computations from starting more threads than there are CPUs;
        a user's own choice of any of them stands for all.
        """
        if any(name in environ for name in THREAD_VARIABLES):
            return {}
        # Threads that wait for each other give way instead of spinning.
        return {**dict.fromkeys(THREAD_VARIABLES, str(self.threads)), "OMP_WAIT_POLICY": "PASSIVE"}


def plan(settings: ServingSettings, machine: Machine, model: int = 0) -> CapacityPlan:
    """Divide a machine, as the settings ask or else by what it has.

    A single model gets a worker for each CPU, fewer where memory is little; each of many models
    gets one.

    Args:
        settings: the serving settings.
        machine: what there is.
        model: bytes of a single model, as far as they are known.
    """
    heap = min(max(machine.memory // HEAP_SHARE, LEAST_HEAP), MOST_HEAP)
    workers = settings.workers or _workers(settings, machine, heap, model)
    return CapacityPlan(
        machine=machine,
        workers=workers,
        connections=_connections(settings, workers),
        # By default the frontend has twice as many as CPUs, of either kind: they would keep each
        # other, and those that predict, waiting for one. But a LOAD keeps a client's thread until
        # its process has started, and meanwhile other models' clients want to be heard.
        client_threads=2 * machine.cpus if settings.multi_model else max(1, machine.cpus // 2),
        worker_threads=max(1, machine.cpus // 2),
        threads=max(1, machine.cpus // workers),
        heap=heap,
        young_heap=min(max(LEAST_YOUNG, YOUNG_PER_CPU * machine.cpus), MOST_YOUNG, heap // 2),
    )


def _workers(settings: ServingSettings, machine: Machine, heap: int, model: int) -> int:
    if settings.multi_model:
        return 1
    shared, each = model, WORKER
    if settings.backend == "stock":
        shared, each = 0, STOCK_WORKER + model
    affordable = (machine.memory - heap - BASE - shared) // each
    return max(1, min(machine.cpus, affordable))


def _connections(settings: ServingSettings, workers: int) -> int:
    if settings.backend == "stock":
        return workers
    each = CONNECTIONS_OF_MANY if settings.multi_model else CONNECTIONS_PER_WORKER
    return each * workers
