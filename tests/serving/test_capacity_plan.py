"""How a machine is divided between the workers and the frontend."""

import pytest

from contract.machine import MEBIBYTE, Machine
from contract.settings import ServingSettings
from handler.processes.capacity_plan import plan

GIBIBYTE = 1024 * MEBIBYTE


@pytest.mark.parametrize(
    ("environ", "cpus", "memory", "workers"),
    [
        ({}, 4, 16 * GIBIBYTE, 4),
        ({}, 1, 512 * MEBIBYTE, 1),
        ({}, 8, 512 * MEBIBYTE, 1),
        ({}, 8, 1024 * MEBIBYTE, 8),
        ({"BYO_BACKEND": "stock"}, 8, 1024 * MEBIBYTE, 2),
        ({"SAGEMAKER_MULTI_MODEL": "true"}, 8, 16 * GIBIBYTE, 1),
        ({"MODEL_SERVER_WORKERS": "3"}, 2, 512 * MEBIBYTE, 3),
    ],
)
def test_workers_are_as_many_as_cpus_and_memory_allow(
    environ: dict[str, str], cpus: int, memory: int, workers: int
) -> None:
    """A CPU each for a single model, fewer under little memory, and as set where it is set."""
    planned = plan(ServingSettings.from_environ(environ), Machine(cpus, memory))

    assert planned.workers == workers


@pytest.mark.parametrize(
    ("backend", "model", "workers"),
    [("own", 0, 8), ("own", 300, 3), ("own", 2000, 1), ("stock", 0, 2), ("stock", 300, 1)],
)
def test_workers_leave_room_for_the_model(backend: str, model: int, workers: int) -> None:
    """They share it, but for the stock ones, each of which has its own."""
    settings = ServingSettings.from_environ({"BYO_BACKEND": backend})

    planned = plan(settings, Machine(8, 1024 * MEBIBYTE), model * MEBIBYTE)

    assert planned.workers == workers


@pytest.mark.parametrize(
    ("memory", "heap"), [(128, 64), (512, 128), (16 * 1024, 4096), (64 * 1024, 4096)]
)
def test_the_heap_is_a_quarter_within_bounds(memory: int, heap: int) -> None:
    """The frontend never takes so much that no model would fit."""
    planned = plan(ServingSettings(), Machine(2, memory * MEBIBYTE))

    assert planned.heap == heap * MEBIBYTE


@pytest.mark.parametrize(
    ("cpus", "memory", "young"),
    [(1, 128, 32), (2, 4096, 32), (8, 16 * 1024, 128), (64, 65536, 256)],
)
def test_the_young_part_grows_with_the_cpus(cpus: int, memory: int, young: int) -> None:
    """Collected about as often on many CPUs as on few; never all of the heap."""
    planned = plan(ServingSettings(), Machine(cpus, memory * MEBIBYTE))

    assert planned.young_heap == young * MEBIBYTE


def test_computations_start_no_more_threads_than_there_are_cpus() -> None:
    """Workers share the CPUs out; a user's own choice stands."""
    planned = plan(ServingSettings(workers=2), Machine(8, 16 * GIBIBYTE))

    assert planned.thread_environment({})["OMP_NUM_THREADS"] == "4"
    assert planned.thread_environment({"OMP_NUM_THREADS": "8"}) == {}
