"""Which answers differ, and where."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from byo.recorded import Errors, RecordedAnswer, Strictness, compared


def answer(body: object, content_type: str = "text/csv", status: int = 200) -> RecordedAnswer:
    data = body if isinstance(body, bytes) else str(body).encode()
    return RecordedAnswer(status, {"content-type": content_type}, data, 0.0)


def npy(values: list[float]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(values))
    return stream.getvalue()


def npz(values: list[float]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=np.array(values))
    return stream.getvalue()


def parquet(values: list[float], compression: str = "snappy") -> bytes:
    return pd.DataFrame({"x": values}).to_parquet(compression=compression)


JSON = "application/json"
SAME = {
    "bytes": (answer("1\n"), answer("1\n"), 0.0),
    "numbers of CSV": (answer("1.0,2\n"), answer("1,2.00\r\n"), 0.0),
    "within the tolerance": (answer("0.3333333"), answer("0.3333334"), 1e-6),
    "JSON's spaces and order": (
        answer('{"a": 1, "b": [2]}', JSON), answer('{"b":[2.0],"a":1}', JSON), 0.0
    ),
    "NaN": (answer("NaN\n"), answer("nan\n"), 0.0),
    "JSON lines": (
        answer('{"a": 1}\n', "application/jsonlines"), answer('{"a":1}', "application/jsonlines"),
        0.0,
    ),
    "NPY within the tolerance": (
        answer(npy([1.0]), "application/x-npy"), answer(npy([1.0 + 1e-9]), "application/x-npy"),
        1e-8,
    ),
    "NPZ, packed at another time": (
        answer(npz([1.0]), "application/x-npz"), answer(npz([1.0]), "application/x-npz"), 0.0
    ),
    "Parquet, compressed otherwise": (
        answer(parquet([1.0]), "application/x-parquet"),
        answer(parquet([1.0], "gzip"), "application/x-parquet"),
        0.0,
    ),
    "a charset that one names": (answer("1"), answer("1", "text/csv; charset=utf-8"), 0.0),
    "errors that say it otherwise": (
        answer("no", "text/plain", 415), answer('{"status": 415}', JSON, 415), 0.0
    ),
}  # fmt: skip
OTHER = {
    "status": (answer("1"), answer("it broke", status=500), "status 200 ≠ 500: it broke"),
    "content type": (answer("1"), answer("1", JSON), "content type text/csv ≠ application/json"),
    "charset": (
        answer("1", "text/csv; charset=utf-8"), answer("1", "text/csv;charset=latin-1"),
        "charset latin-1 ≠ utf-8",
    ),
    "a cell": (answer("1,2\n3,4\n"), answer("1,2\n3,5\n"), "body at [1][1]: 4 ≠ 5"),
    "a code is no number": (answer("007\n"), answer("7\n"), "body at [0][0]: '007' ≠ 7"),
    "rows": (answer("1\n2\n"), answer("1\n"), "body 2 values ≠ 1 values"),
    "a member": (
        answer('{"p": [{"score": 0.5}]}', JSON), answer('{"p": [{"score": 0.6}]}', JSON),
        "body at .p[0].score: 0.5 ≠ 0.6",
    ),
    "a member that is missing": (
        answer('{"a": 1}', JSON), answer("{}", JSON), "body at .a: 1 ≠ nothing"
    ),
    "true is not 1": (answer("true", JSON), answer("1", JSON), "body True ≠ 1"),
    "bytes of an unknown type": (
        answer(b"ab\0c", "application/x-own"), answer(b"abd", "application/x-own"),
        "body: from byte 2 on b'\\x00c' ≠ b'd'",
    ),
    "NPY": (
        answer(npy([1.0, 2.0]), "application/x-npy"), answer(npy([1.0, 3.0]), "application/x-npy"),
        "body at [1]: 2.0 ≠ 3.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "tolerance"), SAME.values(), ids=SAME)
def test_alike(first: RecordedAnswer, second: RecordedAnswer, tolerance: float) -> None:
    assert compared(first, second, Strictness(tolerance)) == []


@pytest.mark.parametrize(("first", "second", "line"), OTHER.values(), ids=OTHER)
def test_different(first: RecordedAnswer, second: RecordedAnswer, line: str) -> None:
    assert compared(first, second, Strictness()) == [line]


def test_what_errors_say_counts_where_it_is_asked_for() -> None:
    first, second = answer("no", "text/plain", 415), answer("never", "text/plain", 415)

    assert compared(first, second, Strictness(errors=Errors.BODY)) == [
        "body: from byte 1 on b'o' ≠ b'ever'"
    ]


def test_another_status_of_an_error_counts_unless_any_is_alike() -> None:
    first, second = answer("no", "text/plain", 500), answer("never", "text/plain", 422)

    assert compared(first, second, Strictness()) == ["status 500 ≠ 422: never"]
    assert compared(first, second, Strictness(errors=Errors.ANY)) == []
    assert compared(first, answer("1"), Strictness(errors=Errors.ANY)) == ["status 500 ≠ 200"]


def test_many_places_are_counted() -> None:
    first, second = (answer(json.dumps([each] * 8), JSON) for each in (1, 2))

    lines = compared(first, second, Strictness())

    assert lines[0] == "body at [0]: 1 ≠ 2"
    assert lines[-1] == "body: 3 further places"


def test_a_body_that_is_not_of_its_type_is_told() -> None:
    (line,) = compared(answer("[1", JSON), answer("[1]", JSON), Strictness())

    assert "can't be read" in line


def test_recordio_by_values() -> None:
    recordio = pytest.importorskip("sagemaker_training.recordio")
    kind = "application/x-recordio-protobuf"

    def body(values: list[float]) -> bytes:
        stream = io.BytesIO()
        recordio._write_numpy_to_dense_tensor(stream, np.array([values]))
        return stream.getvalue()

    first, second = body([1.0, 2.0]), body([1.0, 2.5])

    assert compared(answer(first, kind), answer(first, kind), Strictness()) == []
    assert compared(answer(first, kind), answer(second, kind), Strictness()) == [
        "body at [0][1]: 2.0 ≠ 2.5"
    ]
