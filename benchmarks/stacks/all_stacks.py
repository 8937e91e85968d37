"""All stacks by name; the first is the one that the others are compared with."""

from __future__ import annotations

from benchmarks.stacks.classic import CLASSIC
from benchmarks.stacks.fastapi_uvicorn import fastapi
from benchmarks.stacks.ours import ours
from benchmarks.stacks.stack import Stack
from benchmarks.stacks.toolkit import STOCK

OURS = "ours"
STACKS: dict[str, Stack] = {
    stack.name: stack
    for stack in (
        ours(OURS, "ours"),
        STOCK,
        CLASSIC,
        fastapi("fastapi", "FastAPI"),
        # Nothing of a request is logged: no other stack is let off that.
        fastapi("fastapi-silent", "FastAPI, no access log", "--no-access-log"),
        fastapi("fastapi-omp1", "FastAPI, OMP_NUM_THREADS=1", OMP_NUM_THREADS="1"),
        ours("shared", "ours, BYO_BACKEND=shared", BYO_BACKEND="shared"),
        # Our handler under multi-model-server's own workers: what our own worker is worth.
        ours("control", "ours, BYO_BACKEND=stock", BYO_BACKEND="stock"),
        # What counting is worth.
        ours("no-metrics", "ours, BYO_METRICS=off", BYO_METRICS="off"),
    )
}
