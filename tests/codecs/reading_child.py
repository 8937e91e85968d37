"""Reads bodies as an endpoint would, and says of each what it took: status, problem, memory, time.

Run as a program: it imports what an endpoint does and forks for each body, so that a crash, a hang
or an exhausted memory ends that process alone.

    python reading_child.py < requests      a line of JSON for each: [content type, model, file]
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from contract.columns import Column
from contract.signature import Signature
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request

MOST_MEMORY = 6 * 1024**3
MOST_SECONDS = 60
WIDTH = 3
NAMES = ("a", "b", "c")
MODELS: dict[str, Signature | None] = {
    "unknown": None,
    "numbers": Signature((Column(None, "number", "float64"),) * WIDTH),
    "table": Signature(tuple(Column(name, "number", "float64") for name in NAMES)),
    "one": Signature((Column("a", "number", "float64"),)),
    "texts": Signature((Column("a", "string", "object"),)),
    "integers": Signature(tuple(Column(name, "integer", "Int64") for name in NAMES)),
    "dates": Signature(tuple(Column(name, "datetime", "datetime64[us]") for name in NAMES)),
    "spans": Signature(tuple(Column(name, "duration", "timedelta64[ns]") for name in NAMES)),
    "objects": Signature(tuple(Column(name, "number", "object") for name in NAMES)),
    "exact": Signature(tuple(Column(name, "integer", "object") for name in NAMES)),
    "sparse": Signature((Column(None, "number", "float64"),) * WIDTH, is_sparse=True),
}


class Model:
    """Answers each row with nothing, whatever it is."""

    def predict(self, data: Any) -> Any:
        return np.zeros(data.shape[0], dtype=np.int8)


@contextlib.contextmanager
def unlimited(seconds: float) -> Iterator[None]:
    yield


def memory(key: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{key}:")[2].split()[0]) * 1024


def main() -> None:
    warm_up()
    for line in sys.stdin:
        content_type, model, file = json.loads(line)
        said = read_apart(content_type, model, Path(file))
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def read_apart(content_type: str, model: str, file: Path) -> dict[str, Any]:
    """What a process of its own says of a body; how it ended, where it says nothing."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reader)
            os.write(writer, json.dumps(read(content_type, model, file)).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"ended": os.waitstatus_to_exitcode(status)}


def read(content_type: str, model: str, file: Path) -> dict[str, Any]:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    body = file.read_bytes()
    pipeline = Pipeline(Model(), signature=MODELS[model], limit=unlimited)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # The peak is counted from here on.
    before, started = memory("VmRSS"), time.process_time()
    response = pipeline.invoke(Request(body, content_type))
    return {
        "size": len(body),
        "status": response.status,
        "problem": json.loads(response.body) if response.status >= 300 else None,
        "memory": memory("VmHWM") - before,
        "cpu": time.process_time() - started,
    }


def warm_up() -> None:
    """Import what is imported at the first request of each kind."""
    pipeline = Pipeline(Model(), limit=unlimited)
    import io

    import pyarrow as pa
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(pa.table({"a": ["x"]}), stream)
    pipeline.invoke(Request(stream.getvalue(), "application/x-parquet"))
    pipeline.invoke(Request(b"0 1:1", "text/libsvm"))
    pipeline.invoke(Request(b"1,2,3\n" * 10_000, "text/csv"))
    pipeline.invoke(Request(b"[1]", "application/jsonlines"))
    pipeline.invoke(Request(b"\x0a", "application/x-recordio-protobuf"))


if __name__ == "__main__":
    main()
