"""The type that a model or a script gets never depends on the values of one payload."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.columns import Column
from contract.signature import Signature

from .samples import npy, parquet, refusal, take

POSITIONS = Signature((Column(None),) * 2)
NUMBERS = Signature((Column(None, "number", "float64"),) * 2)
NAMED = Signature((Column("a", "number", "float64"), Column("b", "number", "float32")))
WHOLE = Signature((Column("a", "integer", "int64"), Column("b", "integer", "Int16")))
TEXTS = Signature((Column("a", "string", "object"), Column("b", "string", "str")))
WRITABLE = [
    ("text/csv", b"1,2\n3,4\n"),
    ("text/csv", b"1,2\n" * 9_000),
    ("text/csv", b"a,b\n1,2\n"),
    ("text/csv", b"a,b\n" + b"1,2\n" * 9_000),
    ("application/json", b"[[1, 2], [3, 4]]"),
    ("application/json", b'[{"a": 1, "b": 2}]'),
    ("application/x-npy", npy(np.ones((2, 2)))),
    ("application/x-parquet", parquet({"a": [1.0, 2.0], "b": [1, 2]})),
]

NUMBER = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, -999, 1.0, 0.5]),
    st.none(),
)


def tables(cell: st.SearchStrategy[Any]) -> st.SearchStrategy[list[list[Any]]]:
    return st.lists(st.lists(cell, min_size=2, max_size=2), min_size=1, max_size=5)


def as_csv(rows: list[list[Any]]) -> bytes:
    return "".join(
        ",".join("" if v is None else str(v) for v in row) + "\n" for row in rows
    ).encode()


def forms(rows: list[list[Any]]) -> dict[str, tuple[str, bytes]]:
    """The same rows in every form."""
    records = [dict(zip("ab", row, strict=True)) for row in rows]
    columns = {name: [row[at] for row in rows] for at, name in enumerate("ab")}
    documents = {
        "rows": rows,
        "instances": {"instances": rows},
        "records": records,
        "split": {"columns": ["a", "b"], "data": rows},
        "columns": columns,
    }
    return {
        "csv": ("text/csv; header=absent", as_csv(rows)),
        "csv with names": ("text/csv; header=present", b"a,b\n" + as_csv(rows)),
        "lines": ("application/jsonlines", b"".join(json.dumps(r).encode() + b"\n" for r in rows)),
        **{
            name: ("application/json", json.dumps(document).encode())
            for name, document in documents.items()
        },
    }


def types(taken: Any) -> Any:
    return list(map(str, taken.dtypes)) if isinstance(taken, pd.DataFrame) else str(taken.dtype)


@settings(deadline=None, max_examples=150)
@given(
    tables(NUMBER), tables(NUMBER), st.sampled_from([None, POSITIONS, NUMBERS, NAMED]), st.data()
)
def test_numbers_have_one_type(
    one: list[list[Any]], other: list[list[Any]], signature: Signature | None, data: st.DataObject
) -> None:
    """Whole or not, missing or not, one row or many: by the form and the signature alone."""
    form = data.draw(st.sampled_from(sorted(forms(one))))
    taken = [
        take(body, content_type, signature)
        for content_type, body in (forms(one)[form], forms(other)[form])
    ]

    assert types(taken[0]) == types(taken[1])
    if signature in (None, POSITIONS, NUMBERS):
        assert set(np.ravel(types(taken[0]))) == {"float64"}


WORD = st.sampled_from(["NA", "a", "007", "1", "true", "nan", "None", "1e5", "2024-01-01", "x y"])


@settings(deadline=None, max_examples=100)
@given(tables(WORD), tables(WORD), st.data())
def test_texts_have_one_type(
    one: list[list[Any]], other: list[list[Any]], data: st.DataObject
) -> None:
    """What a column is known to be is what it is read as."""
    form = data.draw(st.sampled_from(sorted(forms(one))))
    taken = [
        take(body, content_type, TEXTS)
        for content_type, body in (forms(one)[form], forms(other)[form])
    ]

    assert types(taken[0]) == types(taken[1]) == ["object", "str"]


@settings(deadline=None, max_examples=100)
@given(
    tables(st.integers(-(2**15), 2**15 - 1)), tables(st.integers(-(2**15), 2**15 - 1)), st.data()
)
def test_whole_numbers_have_one_type(
    one: list[list[Any]], other: list[list[Any]], data: st.DataObject
) -> None:
    """That of training."""
    form = data.draw(st.sampled_from(sorted(forms(one))))
    taken = [
        take(body, content_type, WHOLE)
        for content_type, body in (forms(one)[form], forms(other)[form])
    ]

    assert types(taken[0]) == types(taken[1]) == ["int64", "Int16"]


@settings(deadline=None, max_examples=200)
@given(tables(st.one_of(NUMBER, st.integers(-(10**30), 10**30))), st.data())
def test_no_number_becomes_another(rows: list[list[Any]], data: st.DataObject) -> None:
    """A whole number that a float can't hold is refused by row and column, or is beyond 64 bits."""
    form = data.draw(st.sampled_from(sorted(forms(rows))))
    content_type, body = forms(rows)[form]
    lossy = any(
        isinstance(v, int) and -(2**63) <= v < 2**64 and int(float(v)) != v
        for row in rows
        for v in row
    )
    if lossy:
        assert refusal(body, content_type, None).row is not None
        return
    taken = take(body, content_type, None)
    given_back = np.asarray(taken, dtype=float)
    expected = np.array([[np.nan if v is None else float(v) for v in row] for row in rows])
    np.testing.assert_array_equal(given_back, expected)


@pytest.mark.parametrize("signature", [None, POSITIONS, NUMBERS, NAMED])
@pytest.mark.parametrize(("content_type", "body"), WRITABLE)
def test_what_is_given_may_be_written_to(
    content_type: str, body: bytes, signature: Signature | None
) -> None:
    """Scripts change their data in place."""
    taken = take(body, content_type, signature)

    if isinstance(taken, pd.DataFrame):
        taken.iloc[0, 0] = 7.5
        taken["b"] -= 0.5
        taken.loc[taken["a"] > 2, "a"] = np.nan
        return
    assert taken.flags.writeable
    taken[:, 0] = taken[:, 0] / 2
    taken -= 0.5
    taken[taken == 0] = np.nan


@pytest.mark.parametrize(
    ("body", "content_type", "dtype"),
    [
        (b"[[true, false]]", "application/json", "bool"),
        (b"[[true, 2]]", "application/json", "float64"),
        (b'[["a", 2]]', "application/json", "object"),
        (b"[[null, null]]", "application/json", "float64"),
        (b",\n", "text/csv", "float64"),
        (b"true,2\n", "text/csv", "float64"),
        (b"x,2\n", "text/csv", "object"),
    ],
)
def test_what_is_no_number(body: bytes, content_type: str, dtype: str) -> None:
    """As docs/what-arrives.md has it, where nothing is known of the model."""
    assert str(take(body, content_type, None).dtype) == dtype


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"02134,1\n", 'holds "02134", which may be a number or a text'),
        (b"1,007\n2,010\n", 'column 2 holds "007"'),
        (b"12345678901234567891,1\n", "would be another"),
        (b'"1,5",2\n', "a decimal point here, not a comma"),
        (b'1,"2,5"\n2,3\n', "a decimal point here, not a comma"),
        (b"1,5;2,5\n", "separated by something else"),
    ],
)
@pytest.mark.parametrize("rows", [1, 3_000])
def test_what_could_be_either_is_refused(body: bytes, part: str, rows: int) -> None:
    """A guess would be wrong for somebody, silently."""
    error = refusal(body * rows, "text/csv; header=absent", None)

    assert part in error.detail


def test_a_decimal_comma_is_named_for_a_known_number() -> None:
    """Rather than called a text."""
    error = refusal(b'1,"2,5"\n', "text/csv", NUMBERS)

    assert (error.row, error.column) == (1, 2)
    assert "a decimal point here, not a comma" in error.detail
