"""Every content type with every sort of body, good and bad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from contract.signature import Signature
from handler.codecs import readable

from .samples import (
    MIXED,
    NUMBERS,
    POSITIONS,
    ROWS,
    json_bytes,
    named,
    npy,
    npz,
    parquet,
    recordio,
    records,
    refusal,
    sparse_npz,
    take,
)

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
NPY, NPZ, SVM = "application/x-npy", "application/x-npz", "text/libsvm"
PARQUET, RECORDIO = "application/vnd.apache.parquet", "application/x-recordio-protobuf"

GOOD = [
    (CSV, b"1.5,2,3\n4,5.5,6\n"),
    (CSV, b"a,b,c\n1.5,2,3\n4,5.5,6\n"),
    (JSON, json_bytes(ROWS)),
    (JSON, json_bytes(records(ROWS))),
    (LINES, b"[1.5, 2, 3]\n[4, 5.5, 6]\n"),
    (LINES, b'{"a": 1.5, "b": 2, "c": 3}\n{"c": 6, "b": 5.5, "a": 4}'),
    (LINES, b'{"features": [1.5, 2, 3]}\n{"features": [4, 5.5, 6]}'),
    ("application/x-ndjson", b"[1.5, 2, 3]\n[4, 5.5, 6]\n"),
    (NPY, npy(np.array(ROWS))),
    (NPY, npy(np.array(ROWS, dtype=">f4", order="F"))),
    (NPZ, npz(data=np.array(ROWS))),
    (NPZ, sparse_npz(sparse.csc_matrix(ROWS))),
    (NPZ, sparse_npz(sparse.coo_array(ROWS))),
    (PARQUET, parquet(named(ROWS))),
    ("application/x-parquet", parquet(named(ROWS))),
    (SVM, b"0 1:1.5 2:2 3:3\n1 1:4 2:5.5 3:6 # the second\n"),
    ("text/x-libsvm", b"1:1.5 2:2 3:3\n1:4 2:5.5 3:6"),
    (RECORDIO, recordio(ROWS)),
]


@pytest.mark.parametrize(("content_type", "body"), GOOD)
@pytest.mark.parametrize(
    "signature", [NUMBERS, POSITIONS, None], ids=["names", "positions", "none"]
)
def test_a_good_body_is_taken(content_type: str, body: bytes, signature: Signature | None) -> None:
    """Each format yields the same rows, whatever is known of the model."""
    taken = take(body, content_type, signature)

    if sparse.issparse(taken):
        taken = taken.toarray()
    if signature is NUMBERS:
        assert list(taken.columns) == ["a", "b", "c"]
    else:
        taken = taken[["a", "b", "c"]] if hasattr(taken, "columns") else taken
    assert np.asarray(taken, dtype=float).tolist() == ROWS


def test_every_readable_type_is_in_the_table_or_an_alias_of_one() -> None:
    """A new codec has to come with a good body."""
    tried = {content_type for content_type, _ in GOOD}

    assert set(readable()) - tried == {"application/x-jsonlines"}


@pytest.mark.parametrize("content_type", readable())
@pytest.mark.parametrize("body", [b"", b" ", b"\n\n", b"\xff\xfe\xfd\xfc garbage \x00\x80"])
def test_an_empty_or_corrupt_body_is_refused(content_type: str, body: bytes) -> None:
    """Nothing, blanks and garbage are the client's mistake, in any format."""
    error = refusal(body, content_type, POSITIONS)

    assert error.status in (400, 422)
    assert "\n" not in error.detail
    assert body or error.detail == "the body is empty"


@pytest.mark.parametrize(("content_type", "body"), GOOD)
def test_no_way_to_cut_a_body_short_is_a_bug(content_type: str, body: bytes) -> None:
    """Every truncation is taken or refused with a status of the 400s, never anything else."""
    for end in range(1, len(body), max(1, len(body) // 60)):
        try:
            error = refusal(body[:end], content_type, POSITIONS)
        except AssertionError:  # What is left is well-formed, as a CSV of fewer rows is.
            continue
        assert error.status in (400, 413, 422), error.detail


@pytest.mark.parametrize(
    ("content_type", "body"), [case for case in GOOD if case[0] in (NPY, NPZ, PARQUET, RECORDIO)]
)
def test_no_flipped_byte_is_a_bug(content_type: str, body: bytes) -> None:
    """A damaged binary body is taken or refused, never a 500."""
    for position in range(0, len(body), max(1, len(body) // 150)):
        damaged = bytearray(body)
        damaged[position] ^= 0xFF
        try:
            error = refusal(bytes(damaged), content_type, POSITIONS)
        except AssertionError:  # The flipped byte was one of the data's.
            continue
        assert error.status in (400, 413, 422), error.detail


WRONG = [
    # A text where a number belongs.
    (CSV, b"1,2,3\n4,five,6", NUMBERS, 422, 2, "b"),
    (CSV, b"a,b,c\n1,2,3\n4,5,six", NUMBERS, 422, 2, "c"),
    (CSV, b"1,True,3", POSITIONS, 422, 1, 2),
    (CSV, b"1,1_000,3", POSITIONS, 422, 1, 2),
    (JSON, b'[[1, 2, 3], [4, "12,5", 6]]', POSITIONS, 422, 2, 2),
    (JSON, b'[{"a": 1, "b": 2, "c": "x"}]', NUMBERS, 422, 1, "c"),
    (LINES, b'[1, 2, 3]\n[4, 5, "six"]\n\n', POSITIONS, 422, 2, 3),
    (NPY, npy(np.array([["1", "x", "3"]])), POSITIONS, 422, 1, 2),
    (NPZ, npz(x=np.array([["1", "x", "3"]])), NUMBERS, 422, 1, "b"),
    (PARQUET, parquet({"a": [1.0], "b": ["x"], "c": [1]}), NUMBERS, 422, 1, "b"),
    (SVM, b"0 1:1 2:x", POSITIONS, 400, 1, None),
    # A number where text belongs, and other kinds.
    (JSON, b'[[1, 2, 3, true, "2024-01-01"]]', MIXED, 422, 1, "code"),
    (JSON, b'[[1, 2, "3", "yes", "2024-01-01"]]', MIXED, 422, 1, "open"),
    (JSON, b'[[1, 2, "3", true, "soon"]]', MIXED, 422, 1, "day"),
    (CSV, b"1,2,3,maybe,2024-01-01", MIXED, 422, 1, "open"),
    (CSV, b"1,x,3,true,2024-01-01", MIXED, 422, 1, "count"),
    # Too few or too many columns.
    (CSV, b"1,2\n3,4", NUMBERS, 422, None, None),
    (JSON, b"[1, 2, 3, 4]", POSITIONS, 422, None, None),
    (LINES, b"[1, 2]", POSITIONS, 422, None, None),
    (NPY, npy(np.ones((2, 4))), POSITIONS, 422, None, None),
    (NPY, npy(np.ones((2, 3, 1))), POSITIONS, 422, None, None),
    (NPZ, npz(x=np.ones((2, 4))), POSITIONS, 422, None, None),
    (NPZ, sparse_npz(sparse.eye(4, format="csr")), POSITIONS, 422, None, None),
    (PARQUET, parquet({"x": [1.0]}), POSITIONS, 422, None, None),
    (SVM, b"0 1:1\n0 2:2 4:1", POSITIONS, 422, 2, 4),
    (RECORDIO, recordio([[1, 2]]), POSITIONS, 422, None, None),
    # Ragged.
    (CSV, b"1,2,3\n4,5", NUMBERS, 400, 2, None),
    (CSV, b"a,b,c\n1,2,3\n4,5,6,7", NUMBERS, 400, 2, None),
    (JSON, b"[[1, 2, 3], [4, 5]]", POSITIONS, 400, 2, None),
    (JSON, b"[[1, 2, 3], 4]", POSITIONS, 400, 2, None),
    (LINES, b"[1, 2, 3]\n[1]", POSITIONS, 400, 2, None),
    (RECORDIO, recordio([[1, 2, 3], [4, 5]]), POSITIONS, 400, 2, None),
    # Other names.
    (CSV, b"a,b,d\n1,2,3", NUMBERS, 422, None, "c"),
    (JSON, b'[{"a": 1, "b": 2}]', NUMBERS, 422, None, "c"),
    (JSON, b'[{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}]', NUMBERS, 422, 2, "c"),
    (LINES, b'{"a": 1, "b": 2, "c": 3, "d": 4}', NUMBERS, 422, None, "d"),
    (PARQUET, parquet({"a": [1], "b": [1], "C": [1]}), NUMBERS, 422, None, "c"),
    (NPY, npy(np.zeros(1, dtype=[("a", "f8"), ("b", "f8"), ("x", "f8")])), NUMBERS, 422, None, "c"),
    # A list in a cell, and rows that are none.
    (JSON, b"[[1, 2, [3]]]", POSITIONS, 422, 1, 3),
    (JSON, b"[[1, 2, 3], null]", POSITIONS, 400, 2, None),
    (PARQUET, parquet({"a": [1], "b": [[1]], "c": [1]}), NUMBERS, 422, None, "b"),
    # Not in the format.
    (LINES, b"[1, 2, 3]\n[1, 2", POSITIONS, 400, None, None),
    (CSV, b'1,2,"3\n4,5,6', POSITIONS, 400, None, None),
    (CSV, b"a,a,c\n1,2,3", NUMBERS, 400, None, None),
    (SVM, b"0 1:1\n0 0:1", POSITIONS, 400, 2, None),
    (SVM, b"0 3:1 2:1", POSITIONS, 400, 1, None),
    # No rows.
    (CSV, b"a,b,c\n", NUMBERS, 422, None, None),
    (JSON, b"[]", POSITIONS, 422, None, None),
    (JSON, b'{"instances": []}', POSITIONS, 422, None, None),
    (NPY, npy(np.ones((0, 3))), POSITIONS, 422, None, None),
    (PARQUET, parquet({"a": [], "b": [], "c": []}), NUMBERS, 422, None, None),
]


@pytest.mark.parametrize(("content_type", "body", "signature", "status", "row", "column"), WRONG)
def test_a_wrong_body_is_refused_where_it_is_wrong(
    content_type: str, body: bytes, signature: Signature, status: int, row: Any, column: Any
) -> None:
    """The status says whose mistake it is; the row and the column say where."""
    error = refusal(body, content_type, signature)

    assert (error.status, error.row, error.column) == (status, row, column), error.detail
    if row is not None:
        assert (
            f"row {row}" in error.detail or f"record {row}" in error.detail or SVM in (content_type)
        )
    if column is not None:
        assert str(column) in error.detail


NOT_FINITE = [
    (CSV, b"1,2,3\n4,1e999,6", np.inf),
    (CSV, b"1,2,3\n4,,6", np.nan),
    (JSON, b"[[1, 2, 3], [4, 1e999, 6]]", np.inf),
    (JSON, b"[[1, 2, 3], [4, 1%s, 6]]" % (b"0" * 400), np.inf),
    (JSON, b"[[1, 2, 3], [4, NaN, 6]]", np.nan),
    (JSON, b"[[1, 2, 3], [4, null, 6]]", np.nan),
    (JSON, b"[[1, 2, 3], [4, -Infinity, 6]]", -np.inf),
    (LINES, b"[1, 2, 3]\n[4, NaN, 6]", np.nan),
    (LINES, b"[1, 2, 3]\n[4, 1e999, 6]", np.inf),
    (NPY, npy(np.array([[1, 2, 3], [4, np.inf, 6]])), np.inf),
    (NPZ, npz(x=np.array([[1, 2, 3], [4, np.nan, 6]])), np.nan),
    (PARQUET, parquet(named([[1, 2, 3], [4, None, 6]])), np.nan),
    (RECORDIO, recordio([[1, 2, 3], [4, float("nan"), 6]]), np.nan),
    (SVM, b"0 1:1 2:2 3:3\n0 1:4 2:1e999 3:6", np.inf),
    (SVM, b"0 1:1 2:2 3:3\n0 1:4 2:nan 3:6", np.nan),
]


@pytest.mark.parametrize(("content_type", "body", "value"), NOT_FINITE)
def test_what_is_missing_or_huge_is_passed_on(content_type: str, body: bytes, value: float) -> None:
    """Whether a missing value or an infinite one is allowed is for the model to say."""
    taken = take(body, content_type, NUMBERS)

    np.testing.assert_equal(taken["b"].tolist(), [2.0, value])
