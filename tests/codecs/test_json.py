"""JSON documents: every form that rows take, and what is in none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract.columns import Column
from contract.signature import Signature
from handler.codecs import decode

from .samples import NUMBERS, ONE, POSITIONS, json_bytes, refusal, take

INSTANCES = Signature((Column("instances", "number"), Column("inputs", "number")))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([[1, 2, 3], [4, 5, 6]], [[1, 2, 3], [4, 5, 6]]),
        ([1, 2, 3], [[1, 2, 3]]),
        ({"instances": [[1, 2, 3]]}, [[1, 2, 3]]),
        ({"instances": [1, 2, 3], "parameters": {}}, [[1, 2, 3]]),
        ({"instances": [{"a": 1, "b": 2, "c": 3}]}, [[1, 2, 3]]),
        ({"instances": {"b": 2, "a": 1, "c": 3}}, [[1, 2, 3]]),
        ({"instances": {"features": [1, 2, 3]}}, [[1, 2, 3]]),
        ({"b": [2, 5], "a": [1, 4], "c": [3, 6]}, [[1, 2, 3], [4, 5, 6]]),
        (
            {"b": {"0": 2, "1": 5}, "a": {"1": 4, "0": 1}, "c": {"0": 3, "1": 6}},
            [[1, 2, 3], [4, 5, 6]],
        ),
        ({"b": {"x": 2}, "a": {"x": 1}, "c": {"x": 3}}, [[1, 2, 3]]),
        ({"instances": [{"features": [1, 2, 3]}, {"features": [4, 5, 6]}]}, [[1, 2, 3], [4, 5, 6]]),
        ({"features": [1, 2, 3]}, [[1, 2, 3]]),
        ([{"c": 3, "a": 1, "b": 2}, {"b": 5, "a": 4, "c": 6}], [[1, 2, 3], [4, 5, 6]]),
        ({"c": 3, "a": 1, "b": 2}, [[1, 2, 3]]),
        ({"columns": ["b", "a", "c"], "data": [[2, 1, 3]]}, [[1, 2, 3]]),
        ({"columns": ["a", "b", "c"], "index": [7], "data": [[1, 2, 3]]}, [[1, 2, 3]]),
        ({"dataframe_split": {"columns": ["c", "b", "a"], "data": [[3, 2, 1]]}}, [[1, 2, 3]]),
        ({"dataframe_split": {"data": [[1, 2, 3]]}}, [[1, 2, 3]]),
        ({"dataframe_records": [{"c": 3, "a": 1, "b": 2}]}, [[1, 2, 3]]),
        ({"inputs": [[1, 2, 3]]}, [[1, 2, 3]]),
        ({"inputs": {"c": [3, 6], "b": [2, 5], "a": [1, 4]}}, [[1, 2, 3], [4, 5, 6]]),
        (
            {
                "inputs": [
                    {"name": "x", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6]}
                ]
            },
            [[1, 2, 3], [4, 5, 6]],
        ),
        (
            {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "INT8", "data": [[1, 2, 3]]}]},
            [[1, 2, 3]],
        ),
        (
            {
                "inputs": [
                    {"name": "b", "shape": [2], "datatype": "FP32", "data": [2, 5]},
                    {"name": "a", "shape": [2, 1], "datatype": "FP32", "data": [1, 4]},
                    {"name": "c", "shape": [2], "datatype": "FP32", "data": [3, 6]},
                ]
            },
            [[1, 2, 3], [4, 5, 6]],
        ),
    ],
)
def test_every_form_is_read(document: Any, expected: list[list[float]]) -> None:
    """Rows, records, envelopes, and what MLflow's and KServe's clients write."""
    assert take(json_bytes(document), None, NUMBERS).to_numpy().tolist() == expected


@pytest.mark.parametrize("signature", [NUMBERS, POSITIONS, None])
@pytest.mark.parametrize("index", [None, [12, 10, 11], [2, 0, 1], [-1, -3, 5]])
def test_columns_keep_the_order_of_the_rows(index: Any, signature: Signature | None) -> None:
    """Rows that were drawn from others are answered in the order in which they are sent."""
    rows = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    frame = pd.DataFrame(rows, columns=["a", "b", "c"], index=index)

    for body in (frame.to_json().encode(), json_bytes(frame.to_dict("list"))):
        assert np.asarray(take(body, None, signature)).tolist() == rows


def test_rows_sorted_as_text_are_counted_again() -> None:
    """A program that sorts an object's members puts row 10 before row 2."""
    index = sorted(map(str, range(12)))
    body = json_bytes({name: {key: int(key) for key in index} for name in "abc"})

    assert take(body, None, NUMBERS)["b"].tolist() == list(range(12))


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({"a": [1, 2], "b": [1], "c": [1, 2]}, "the columns of the document differ in length"),
        ({"a": {"0": 1}, "b": {"1": 1}, "c": {"0": 1}}, 'column "b" has other rows'),
        ({"x": {"u": 1, "v": 2}}, "unknown form"),
        ({"0": {"a": 1, "b": 2, "c": 3}, "1": {"a": 1, "b": 2}}, "row 2 has other columns"),
        ({"a": [[1]], "b": [[2]], "c": [[3]]}, "unknown form"),
        ({"a": [1], "b": {"0": 2}, "c": [3]}, "unknown form"),
        ({"a": [], "b": [], "c": []}, "no rows"),
        ({"a": {}, "b": {}, "c": {}}, "no rows"),
    ],
)
def test_columns_that_do_not_agree_are_refused(document: Any, part: str) -> None:
    """There have to be as many values, of the same rows, in every column."""
    error = refusal(json_bytes(document), None, NUMBERS)

    assert error.status in (400, 413, 422)
    assert part in error.detail


@pytest.mark.parametrize(
    ("document", "envelope"),
    [
        ([[1, 2, 3]], None),
        ({"instances": [[1, 2, 3]]}, "instances"),
        ({"instances": {"a": 1, "b": 2, "c": 3}}, "instances"),
        ({"inputs": [[1, 2, 3]]}, "inputs"),
        ({"dataframe_records": [{"a": 1, "b": 2, "c": 3}]}, "dataframe_records"),
    ],
)
def test_the_envelope_is_kept(document: Any, envelope: str | None) -> None:
    """The answer will be wrapped as the request was."""
    assert decode(json_bytes(document), None, POSITIONS).envelope == envelope


@pytest.mark.parametrize("document", [[1, 2, 3], {"instances": [1, 2, 3]}, [[1], [2], [3]]])
def test_a_flat_list_is_a_column_for_a_model_of_one(document: Any) -> None:
    """Three values are three rows if the model takes one column."""
    assert take(json_bytes(document), None, ONE).tolist() == [[1], [2], [3]]


def test_columns_named_like_an_envelope_are_columns() -> None:
    """The model's own names come first."""
    taken = take(b'{"inputs": 2, "instances": 1}', None, INSTANCES)

    assert taken.to_numpy().tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "document",
    [
        5,
        "x",
        None,
        True,
        {},
        {"rows": [[1, 2, 3]]},
        {"instances": 5},
        {"instances": {"a": 1}},
        {"columns": ["a", "b"], "data": [[1, 2, 3]]},
        {"columns": ["a", "a", "c"], "data": [[1, 2, 3]]},
        {"columns": "abc", "data": [[1, 2, 3]]},
        {"columns": ["a", "b", "c"], "data": [1, 2, 3]},
        {"dataframe_split": [1]},
        {"inputs": {}},
        {"inputs": {"a": [1], "b": [1, 2], "c": [1]}},
        {"inputs": {"a": 1}},
        {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP64", "data": [1]}]},
        {"inputs": [{"name": "x", "shape": "23", "datatype": "FP64", "data": [1]}]},
        {"inputs": [{"name": "x", "shape": [10**15, 0], "datatype": "FP64", "data": []}]},
        {"inputs": [{"name": "x", "shape": [1, 1, 3], "datatype": "FP64", "data": [1, 2, 3]}]},
        [[]],
        [{}],
        [[1, 2, 3], {"a": 1}],
        [[[1, 2, 3]]],
    ],
)
def test_other_shapes_are_refused(document: Any) -> None:
    """What is in no known form is the client's mistake, and said in a sentence."""
    error = refusal(json_bytes(document), None, POSITIONS)

    assert error.status in (400, 413, 422)
    assert error.detail


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"[[1, 2, 3],\n [4, 5", "line 2"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'["\xff"]', "byte 2"),
        (b'[["\\ud800", NaN, 1]]', "surrogate"),
        (b"[" + b"1" * 5000 + b"]", None),
        (b"[1] [2]", "line 1"),
    ],
)
def test_what_is_not_json_is_refused(body: bytes, part: str | None) -> None:
    """The message says where the text stops being JSON."""
    error = refusal(body, None, NUMBERS)

    assert error.status in (400, 413, 422)
    assert part is None or part in error.detail


def test_whole_numbers_stay_whole() -> None:
    """One that a float would change is kept for a model of whole numbers, and else refused."""
    known = Signature((Column("id", "integer", "int64"), Column("x", "number", "float64")))
    body = b"[[9007199254740993, 1]]"

    assert take(body, None, known)["id"].tolist() == [9007199254740993]
    assert (refusal(body, None, None).row, refusal(body, None, None).column) == (1, 1)
    huge = take(b"[[123456789012345678901234567890, 1]]", None, None)
    assert huge.tolist() == [[1.2345678901234568e29, 1]]


def test_a_huge_number_beside_text_is_no_bug() -> None:
    """The number becomes infinite, and the text is what is wrong."""
    error = refusal(b'[[1%s, 2, 3], ["x", 2, 3]]' % (b"0" * 400), None, POSITIONS)

    assert (error.status, error.row, error.column) == (422, 2, 1)


def test_a_byte_order_mark_and_charsets_are_read() -> None:
    """Clients on Windows write a mark; a charset parameter is honoured."""
    marked = take(b"\xef\xbb\xbf[1, 2, 3]", "application/json", POSITIONS)
    wide = take("[1, 2, 3]".encode("utf-16"), "application/json; charset=utf-16", POSITIONS)

    np.testing.assert_array_equal(marked, wide)
