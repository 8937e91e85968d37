"""Dask's scheduler or worker, inside a process of its own.

``python -m training_entry.cluster.dask_process scheduler ADDRESS DASHBOARD NUMBER`` or
``… worker ADDRESS SCHEDULER HOST FOLDER NUMBER``. Its stdin is the leash by which it is held (see
``processes``). How it speaks TLS comes from Dask's own environment variables.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading

DASHBOARD_PORT = 8787


def main() -> None:
    """Serve until the parent ends."""
    leash = _take_leash()
    role, *arguments = sys.argv[1:]
    if role == "scheduler":
        asyncio.run(_serve_scheduler(leash, *arguments))
    else:
        asyncio.run(_serve_worker(leash, *arguments))


def _take_leash() -> socket.socket:
    """The leash, out of reach of user code that reads from stdin."""
    leash = socket.socket(fileno=os.dup(0))
    os.set_inheritable(leash.fileno(), False)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is all that is wanted
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_heed, args=(leash,), daemon=True).start()
    return leash


def _heed(leash: socket.socket) -> None:
    """Log nothing from the parent's first byte on, and end when it does."""
    while leash.recv(1):
        logging.disable()
    # The group: what a task has started ends as well.
    os.killpg(os.getpgrp(), signal.SIGKILL)


async def _serve_scheduler(leash: socket.socket, address: str, dashboard: str, _: str) -> None:
    from distributed import Scheduler

    shown = dashboard == "dashboard"
    async with Scheduler(
        host=address,
        port=0,
        protocol="tls",
        dashboard=shown,
        dashboard_address=f"{address}:{DASHBOARD_PORT if shown else 0}",
    ) as scheduler:
        leash.sendall(f"{scheduler.address}\n".encode())
        await scheduler.finished()


async def _serve_worker(
    leash: socket.socket, address: str, scheduler: str, host: str, folder: str, number: str
) -> None:
    import joblib
    from distributed import Worker

    async with Worker(
        scheduler,
        host=address,
        # A name must not come twice: that of a worker just killed may still be known.
        name=host if number == "1" else f"{host} (started {number} times)",
        nthreads=joblib.cpu_count(),
        # Dask would stop a worker for ever whose own tasks need most of the memory.
        memory_limit=0,
        dashboard_address=f"{address}:0",
        local_directory=folder,
    ) as worker:
        leash.sendall(f"{worker.address}\n".encode())
        await worker.finished()


if __name__ == "__main__":
    main()
