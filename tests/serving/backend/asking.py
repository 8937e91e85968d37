"""Requests of every kind and answers to compare, for models of three numeric columns or so."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy import sparse

from handler.invocation.request_types import PROBLEM_TYPE, Request, Response
from tests.codecs.samples import npy, sparse_npz

ACCEPTS = (None, "application/json", "text/csv", "application/x-npy", "image/png")
# For one row a BLAS may add the products of a sum in another order than for many, so the last
# bits differ: by 2**-53 of the terms at each addition. The terms here are below 1e4, and few.
TOLERANCE = 1e-10

numbers = st.one_of(
    st.integers(-100, 100).map(float),
    st.floats(-1000, 1000, allow_subnormal=False).map(lambda value: round(value, 6)),
)
with_gaps = st.one_of(numbers, st.just(float("nan")))
# One gap makes a whole batch fail where the model refuses gaps, so they are few.
cells = st.sampled_from([numbers] * 11 + [with_gaps])


def tables(width: int) -> st.SearchStrategy[list[Any]]:
    """A few rows of this width, or once in a while of another."""
    widths = st.sampled_from([width] * 11 + [width + 1])
    return st.tuples(widths, cells).flatmap(
        lambda both: st.lists(
            st.lists(both[1], min_size=both[0], max_size=both[0]), min_size=1, max_size=4
        )
    )


def mixed_tables() -> st.SearchStrategy[list[Any]]:
    """A few rows of a colour, known or not, and two numbers."""
    colours = st.sampled_from(["red", "green", "blue", "", "1"])
    return cells.flatmap(
        lambda values: st.lists(
            st.tuples(colours, values, values).map(list), min_size=1, max_size=4
        )
    )


def as_csv(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    return pd.DataFrame(rows).to_csv(index=False, header=False).encode(), "text/csv"


def as_json(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    return json.dumps(_without_nan(rows)).encode(), "application/json"


def as_instances(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    return json.dumps({"instances": _without_nan(rows)}).encode(), "application/json"


def as_lines(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    lines = "".join(json.dumps(row) + "\n" for row in _without_nan(rows))
    return lines.encode(), "application/jsonlines"


def as_npy(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    return npy(np.array(rows, dtype=np.float64)), "application/x-npy"


def as_single_npy(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    return npy(np.array(rows, dtype=np.float32)), "application/x-npy"


def as_sparse(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
    return sparse_npz(sparse.csr_matrix(np.array(rows))), "application/x-npz"


def as_records(names: Sequence[str]) -> Any:
    """Rows as objects, the columns in reverse; those beyond the names are dropped."""

    def encode(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
        records = [
            dict(reversed(list(zip(names, row, strict=False)))) for row in _without_nan(rows)
        ]
        return json.dumps(records).encode(), "application/json"

    return encode


def as_named_csv(names: Sequence[str]) -> Any:
    """Rows under a header, the columns in reverse."""

    def encode(rows: Sequence[Sequence[Any]]) -> tuple[bytes, str]:
        wide = [*names, "more"][: len(rows[0])]
        table = pd.DataFrame(rows, columns=wide)[wide[::-1]]
        return table.to_csv(index=False).encode(), "text/csv"

    return encode


NUMERIC = (as_csv, as_json, as_instances, as_lines, as_npy, as_single_npy)
MALFORMED = st.sampled_from(
    [
        (b"", "text/csv"),
        (b"1,2\n3\n", "text/csv"),
        (b"\xff\xfe,1\n", "text/csv"),
        (b"a,b,c\n", "text/csv"),
        (b"1,two,3\n", "text/csv"),
        (b"[[1, 2", "application/json"),
        (b"{}", "application/json"),
        (b"\x93NUMPY", "application/x-npy"),
        (b"x", "image/png"),
    ]
)


def requests(
    rows: st.SearchStrategy[list[Any]], encoders: Sequence[Any]
) -> st.SearchStrategy[list[Request]]:
    """What comes at the same moment: of any kind, in any order, each under an id of its own."""
    whole = st.tuples(st.sampled_from(encoders), rows).map(lambda both: both[0](both[1]))
    payloads = st.one_of(whole, whole, whole, whole, MALFORMED)
    ones = st.lists(st.tuples(payloads, st.sampled_from(ACCEPTS)), min_size=2, max_size=8)
    return ones.map(
        lambda listed: [
            Request(body, content_type, accept, request_id=f"id-{number}")
            for number, ((body, content_type), accept) in enumerate(listed)
        ]
    )


def assert_same(answer: Response, alone: Response) -> None:
    """The same answer: to the byte, but for the last bits of floating-point numbers."""
    assert (answer.status, answer.content_type) == (alone.status, alone.content_type)
    if answer.body != alone.body:
        assert answer.content_type != PROBLEM_TYPE
        np.testing.assert_allclose(
            floats(answer), floats(alone), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
        )


def floats(answer: Response) -> Any:
    """The numbers of an answer.

    Raises:
        ValueError: it holds text.
    """
    if answer.content_type.startswith("text/csv"):
        return np.loadtxt(io.BytesIO(answer.body), delimiter=",", ndmin=2)
    if answer.content_type == "application/x-npy":
        return np.load(io.BytesIO(answer.body))
    document = json.loads(answer.body)
    return np.array(document["predictions"] if isinstance(document, dict) else document, float)


def _without_nan(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [[None if value != value else value for value in row] for row in rows]
