"""CSV: quoting, kinds, charsets, and that the fast reader and the careful one agree."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.columns import Column, Kind
from contract.csv_number_or_missing import MISSING
from contract.errors import UnprocessablePayload
from contract.signature import Signature
from handler.codecs import MediaType, decode
from handler.codecs.csv_arrow import read_with_arrow
from handler.codecs.csv_layout import find_layout, guess_kinds
from handler.codecs.csv_rows import read_carefully, split_rows
from handler.codecs.text_csv import SMALL

from .samples import MIXED, NUMBERS, POSITIONS, refusal, take

CSV = MediaType.parse("text/csv")
TEXTS = Signature((Column(None, "string", "object"),) * 2)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'"x, y","say ""hi"""\r\nz,"two\r\nlines"\r\n',
            [["x, y", 'say "hi"'], ["z", "two\r\nlines"]],
        ),
        (b"p,q", [["p", "q"]]),
        (b"p,q\nr,s\n\n\r\n", [["p", "q"], ["r", "s"]]),
        (b"p,q\rr,s\r", [["p", "q"], ["r", "s"]]),
        ("é,ü\n".encode(), [["é", "ü"]]),
        (b"\xef\xbb\xbfp,q\n", [["p", "q"]]),
        (b'"5"" pipe",5" pipe', [['5" pipe', '5" pipe']]),
        (b"007,1e3\n", [["007", "1e3"]]),
        (b"x\x00y,q", [["x\x00y", "q"]]),
    ],
)
def test_quoting_and_line_ends(body: bytes, expected: list[list[str]]) -> None:
    """RFC 4180, and what is written in its place."""
    assert take(body, "text/csv; header=absent", TEXTS).tolist() == expected


def test_columns_are_read_by_their_kinds() -> None:
    """A code of digits stays text, and a boolean may be written in several ways."""
    body = b"code,open,day,size,count\n007,TRUE,2024-01-02,1,3\n1e5,0,2024-01-02T03:04:05Z,,4\n"

    taken = take(body, "text/csv", MIXED)

    assert taken["code"].tolist() == ["007", "1e5"]
    assert taken["open"].tolist() == [True, False]
    assert taken["day"].tolist() == [
        pd.Timestamp("2024-01-02"),
        pd.Timestamp("2024-01-02 03:04:05"),
    ]
    np.testing.assert_equal(taken["size"].tolist(), [1.0, np.nan])
    assert taken["count"].dtype == np.int64


def test_missing_values_are_those_of_pandas() -> None:
    """Every marker that pandas reads as missing is missing, and no other."""
    texts = [*sorted(MISSING), "na", "nil", "-"]
    body = "\n".join(f"x,{text}" for text in texts)

    ours = decode(body.encode(), "text/csv; header=absent", TEXTS).data
    theirs = pd.read_csv(io.StringIO(body), header=None, dtype=str)

    assert pd.isna(ours.columns[1]).tolist() == pd.isna(theirs[1]).tolist()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "part"),
    [
        (b"1,2,\xff", "text/csv", 400, "byte 4"),
        (b"1,2,\xff", "text/csv; charset=ascii", 400, "byte 4"),
        (b"1,2,3", "text/csv; charset=klingon", 415, "klingon"),
        (b"1,2,3", "text/csv; charset=hex", 415, "hex"),
        (b"1,2,3", "text/csv; charset=idna", 415, "idna"),
        (b"1", "text/csv; charset=utf-16", 400, "byte 0"),
    ],
)
def test_charsets(body: bytes, content_type: str, status: int, part: str) -> None:
    """Bytes that are no text are a 400 with their place, unknown charsets a 415."""
    error = refusal(body, content_type, POSITIONS)

    assert error.status == status
    assert part in error.detail


def test_a_charset_is_honoured() -> None:
    """The parameter says how to read the bytes."""
    taken = take("é,ü".encode("utf-16"), "text/csv; charset=UTF-16; header=absent", TEXTS)

    assert taken.tolist() == [["é", "ü"]]


@pytest.mark.parametrize("signature", [NUMBERS, POSITIONS, None])
@pytest.mark.parametrize("rows", [1, 100_000])
def test_one_row_and_many(rows: int, signature: Signature | None) -> None:
    """A single row is a table, too."""
    taken = take(b"1.5,-2,3e2\r\n" * rows, "text/csv", signature)

    assert taken.shape == (rows, 3)
    assert np.asarray(taken)[-1].tolist() == [1.5, -2, 300]


@pytest.mark.parametrize(
    ("row", "status", "column"), [("1,x,3", 422, "b"), ("1,2", 400, None), ('1,2,"3', 400, None)]
)
def test_a_mistake_in_a_large_body_is_found(row: str, status: int, column: Any) -> None:
    """The fast reader gives way to the one that names the place."""
    body = "a,b,c\n" + "1,2,3\n" * 10_000 + row + "\n1,2,3" * 2 + "\n"

    error = refusal(body.encode(), "text/csv", NUMBERS)

    assert (error.status, error.column) == (status, column)
    assert "1000" in error.detail, error.detail


def test_a_text_after_the_sample_is_not_lost() -> None:
    """A column that looks like numbers at first is text if a later cell is."""
    body = "\n".join(["x,1"] * 9_000 + ["x,y"]) + "\n"
    assert len(body) > SMALL

    data = decode(body.encode(), "text/csv", None).data

    assert data.columns[1].tolist() == ["1"] * 9_000 + ["y"]


NUMBER = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["", "NA", "nan", "1e999", "-1e999", " 1.5 ", "+2", "1.", ".5", "0x1F", "007"]),
)
WORD = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(["", "NA", "true", "FALSE", "1", "0", "x,y", 'a"b', "two\nlines", "1_0", "１"]),
)
KINDS: list[Kind] = ["number", "integer", "string", "boolean", "any"]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Kind], list[list[str]]]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    cells = [draw(st.sampled_from([NUMBER, WORD])) for _ in kinds]
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=8))
    return kinds, rows


def quoted(cell: str, always: bool) -> str:
    if always or any(character in cell for character in ',"\r\n') or not cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def shown(column: np.ndarray[Any, Any]) -> list[str]:
    """Values to compare: NaN equals NaN, 1 differs from 1.0 and from True."""
    return list(map(repr, column.tolist()))


@settings(deadline=None, max_examples=300)
@given(tables(), st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_both_readers_agree(
    table: tuple[list[Kind], list[list[str]]], always: bool, end: str, typed: bool
) -> None:
    """Whatever the fast reader takes, the careful one reads in the same way."""
    kinds, rows = table
    text = end.join(",".join(quoted(cell, always) for cell in row) for row in rows) + end
    signature = Signature(tuple(Column(None, kind) for kind in kinds)) if typed else None
    split = list(split_rows(text))
    layout = find_layout(split, MediaType.parse("text/csv; header=absent"), signature)
    layout = replace(layout, strict=False)  # what that asks for is looked for before

    fast = read_with_arrow(text.encode(), layout.columns, guess_kinds(split[:3], layout), False)

    try:
        careful = read_carefully(split, layout)
    except UnprocessablePayload:  # nobody could tell what was meant
        assert fast is None
        return
    assert [len(column) for column in careful] == [len(rows)] * len(kinds)
    if fast is not None:
        for one, other in zip(fast, careful, strict=True):
            assert one.dtype == other.dtype
            assert shown(one) == shown(other)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_both_readers_read_the_very_float(numbers: list[float]) -> None:
    """No reader is off by the last bit, at which a tree may part its rows."""
    text = "\n".join(map(repr, numbers)) + "\n"

    fast = read_with_arrow(text.encode(), [Column(None, "number")], ["number"], False)

    assert fast is not None
    assert fast[0].tolist() == numbers
