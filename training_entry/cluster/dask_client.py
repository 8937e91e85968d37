"""What the user's script calls: joblib's work on all hosts of the job."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

# Dask's own variable: a plain ``distributed.Client()`` finds the scheduler by it as well.
SCHEDULER_VARIABLE = "DASK_SCHEDULER_ADDRESS"


@contextmanager
def connect() -> Iterator[Any]:
    """Have joblib, and so scikit-learn, use every core of every host inside the block.

        with connect():
            search.fit(X, y)

    Where there is one host, or Dask is not installed, nothing changes: the same script runs
    by hand.

    Yields:
        Dask's client, or None where there is no cluster.
    """
    if SCHEDULER_VARIABLE not in os.environ:
        yield None
        return
    from joblib import parallel_config

    with _client_class()() as client, parallel_config("dask"):
        yield client


def _client_class() -> Any:
    distributed: Any = import_module("distributed")

    class BroadcastingClient(distributed.Client):  # type: ignore[misc]
        """Puts data on every worker: a host that is lost takes no only copy with it."""

        def scatter(self, *args: Any, **options: Any) -> Any:
            return super().scatter(*args, **{"broadcast": True, **options})

    return BroadcastingClient
