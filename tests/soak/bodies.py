"""Bodies of every kind, for rows of two numbers; and some that can't be answered."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.soak.soak_models import Rows

Body = tuple[bytes, str]


def as_csv(rows: Rows) -> Body:
    return "".join(f"{first},{second}\n" for first, second in rows).encode(), "text/csv"


def as_json(rows: Rows) -> Body:
    return json.dumps({"instances": [list(row) for row in rows]}).encode(), "application/json"


def as_lines(rows: Rows) -> Body:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode(), "application/jsonlines"


def as_npy(rows: Rows) -> Body:
    stream = io.BytesIO()
    np.save(stream, np.array(rows, dtype=float))
    return stream.getvalue(), "application/x-npy"


def as_parquet(rows: Rows) -> Body:
    stream = io.BytesIO()
    pd.DataFrame(np.array(rows, dtype=float), columns=["a", "b"]).to_parquet(stream)
    return stream.getvalue(), "application/x-parquet"


GOOD: tuple[Callable[[Rows], Body], ...] = (as_csv, as_json, as_lines, as_npy, as_parquet)
# What can't be read as what it says it is: the caller's own fault, answered with a 4xx.
UNREADABLE: tuple[Body, ...] = (
    (b"", "text/csv"),
    (b"1,2\n3\n", "text/csv"),
    (b"\xff\xfe,1\n", "text/csv"),
    (b'{"instances": [[1, 2', "application/json"),
    (b"[1, 2]\n[1\n", "application/jsonlines"),
    (b"\x93NUMPY", "application/x-npy"),
    (b"PAR1" + bytes(40) + b"PAR1", "application/x-parquet"),
    (b"1,2\n", "image/png"),
    (b"a=1&b=2", "application/x-www-form-urlencoded"),
)
# What the model does not take: so is that, unless code of the model's own stumbles over it.
UNFIT: tuple[Body, ...] = (
    (b"1,two\n", "text/csv"),
    (b"[[1, 2, 3]]", "application/json"),
)
