"""What a body holds as columns arrives as if it had been a data frame from the start."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.columns import Column
from contract.errors import InvocationError
from contract.signature import Signature
from handler.codecs import decode
from handler.codecs.column_table import ColumnTable, as_frame
from handler.invocation.model_input import conform

from .samples import json_bytes
from .test_one_type import forms

COLUMNS = [
    Column("a"),
    Column("a", "any", "float64"),
    Column("a", "number", "float32"),
    Column("a", "number", "object"),
    Column("a", "integer", "int64"),
    Column("a", "integer", "Int16"),
    Column("a", "boolean", "bool"),
    Column("a", "boolean", "boolean"),
    Column("a", "string", "str"),
    Column("a", "string", "string"),
    Column("a", "string", "object"),
    Column("a", "string", "object", missing="None"),
    Column("a", "string", "str", missing="NaN", words=("NA",)),
    Column("a", "string", "object", missing="both"),
    Column("a", "any", "object", missing="NaN"),
    Column("a", "string", believed=True),
    Column("a", "any", believed=True),
    Column("a", "string", "category", ("a", "1", "x y"), False, "object"),
    Column("a", "datetime", "datetime64[us]"),
    Column("a", "datetime", "datetime64[us, Europe/Berlin]"),
    Column("a", "datetime", "object", categories_dtype="date"),
    Column("a", "duration", "timedelta64[ns]"),
]
CELLS = [
    st.sampled_from(["a", "1", "x y", "NA", "", "nan", "true", "2024-01-01", "1 days", "é"]),
    st.sampled_from([1, 0, -3, 2**53 + 1, 10**30]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    st.just("\ud800"),
]


@st.composite
def columns(draw: st.DrawFn, rows: int) -> list[Any]:
    """A column: mostly of one kind of cells, with or without missing ones."""
    cell = st.one_of(draw(st.lists(st.sampled_from(CELLS), min_size=1, max_size=2)))
    cell = cell | st.none() if draw(st.booleans()) else cell
    return draw(st.lists(cell, min_size=rows, max_size=rows))


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    rows = draw(st.integers(1, 4))
    one, other = draw(columns(rows)), draw(columns(rows))
    table = [list(row) for row in zip(one, other, strict=True)]
    typed = {type(value) for value in one} == {str} and {type(value) for value in other} == {float}
    if typed and draw(st.booleans()):
        tensors = [("a", "BYTES", one), ("b", "FP64", other)]
        inputs = [
            {"name": name, "datatype": datatype, "shape": [rows], "data": data}
            for name, datatype, data in tensors
        ]
        return "application/json", json_bytes({"inputs": inputs})
    written = json.dumps(table)
    every = forms(json.loads(written.replace("\\ud800", "?")) if "\\ud8" in written else table)
    every["surrogates"] = ("application/json", written.encode())
    return every[draw(st.sampled_from(sorted(every)))]


@st.composite
def signatures(draw: st.DrawFn) -> Signature | None:
    known = [draw(st.sampled_from(COLUMNS)) for _ in range(2)]
    named = draw(st.booleans())
    names = draw(st.permutations(["a", "b"])) if named else [None, None]
    inputs = tuple(
        Column(**{**vars(column), "name": name}) for column, name in zip(known, names, strict=True)
    )
    container = draw(st.sampled_from(["table", "table", "array"])) if not named else "table"
    return (
        draw(st.sampled_from([Signature(inputs, container), None]))
        if draw(st.integers(0, 9)) == 0
        else Signature(inputs, container)
    )


def outcome(data: Any, signature: Signature | None, **how: bool) -> Any:
    try:
        return as_frame(conform(data, signature, **how))
    except InvocationError as error:
        return error.status, error.detail, error.row, error.column


def assert_equal(one: Any, other: Any) -> None:
    assert type(one) is type(other), (one, other)
    if isinstance(one, pd.DataFrame):
        assert list(map(str, one.dtypes)) == list(map(str, other.dtypes))
        assert type(one.columns) is type(other.columns)
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        cells = [list(map(type, frame.astype(object).to_numpy().ravel())) for frame in (one, other)]
        assert cells[0] == cells[1]  # None is not NaN
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert repr(one.tolist()) == repr(other.tolist())
    else:
        assert one == other


@settings(deadline=None, max_examples=300)
@given(bodies(), signatures())
def test_as_if_it_had_been_a_frame(body: tuple[str, bytes], signature: Signature | None) -> None:
    content_type, text = body
    try:
        data = decode(text, content_type, signature).data
    except InvocationError:
        return
    if not isinstance(data, ColumnTable):
        return
    frame = as_frame(decode(text, content_type, signature).data)

    expected = outcome(frame, signature)

    assert_equal(outcome(data, signature), expected)
    assert_equal(
        outcome(decode(text, content_type, signature).data, signature, as_columns=True), expected
    )


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("town", ["Oslo", None])
@pytest.mark.parametrize(
    "known",
    [
        Column("town", "string", believed=True, missing="None"),
        Column("town", "any", "object", missing="None"),
    ],
    ids=["by an encoder", "by a signature"],
)
def test_none_stays_none_where_training_had_it(
    known: Column, town: str | None, as_columns: bool
) -> None:
    """A data frame on the way would make NaN of it, as a frame of texts has no None."""
    signature = Signature((known, Column("size", believed=True)), "table")
    body = json_bytes([{"town": town, "size": 1.5}])

    taken = conform(decode(body, None, signature).data, signature, as_columns=as_columns)

    assert as_frame(taken)["town"].dtype == object
    assert as_frame(taken)["town"][0] is None or town == "Oslo"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"town,size\nOslo,1.5\n"),
        ("text/csv", b"Oslo,1.5\nRome,2\n" * 128),
        ("text/csv", b"size,town\n1.5,Oslo\n"),
        ("application/json", b'[{"size": 1.5, "town": "Oslo"}]'),
        ("application/json", b'{"instances": [["Oslo", 1.5]]}'),
        ("application/json", b'{"columns": ["size", "town"], "data": [[1.5, "Oslo"]]}'),
        ("application/jsonlines", b'{"size": 1.5, "town": "Oslo"}\n'),
    ],
)
@pytest.mark.parametrize("dtype", ["str", "object", ""])
def test_no_frame_is_made_on_the_way(
    monkeypatch: pytest.MonkeyPatch, content_type: str, body: bytes, dtype: str
) -> None:
    signature = Signature(
        (
            Column("town", "string", dtype, believed=not dtype),
            Column("size", "number", "float64", believed=not dtype),
        ),
        "table",
    )
    # What pandas makes of texts is asked once in a process.
    conform(decode(body, content_type, signature).data, signature, as_columns=True)
    made: list[Any] = []
    monkeypatch.setattr(pd.DataFrame, "__init__", lambda *arguments, **_: made.append(arguments))
    monkeypatch.setattr(pd.Series, "__init__", lambda *arguments, **_: made.append(arguments))

    taken = conform(decode(body, content_type, signature).data, signature, as_columns=True)

    assert isinstance(taken, ColumnTable)
    assert made == []
