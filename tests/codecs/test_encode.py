"""Predictions as bytes, and back again."""

from __future__ import annotations

import datetime
import io
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from contract.columns import Column
from contract.errors import NotAcceptable, PredictionFailed
from contract.signature import Signature
from handler.codecs import MediaType, decode, encode, writable
from handler.codecs.column_table import as_frame
from handler.codecs.csv_cells import MISSING

NAMED = Signature((Column("x"),), outputs=(Column("species", "string"),))
NAN = float("nan")


def written(prediction: Any, accept: str, **options: Any) -> bytes:
    return encode(prediction, MediaType.parse(accept), **options)[0]


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (np.array([0, 1]), [0, 1]),
        (np.array(["setosa"]), ["setosa"]),
        (np.array(["setosa", None], dtype=object), ["setosa", None]),
        (np.array([[0.1, NAN], [np.inf, 2]]), [[0.1, None], [None, 2]]),
        (np.array([0.1], dtype=np.float32), [float(np.float32(0.1))]),
        (np.array([[1, 2], [3, 4]], dtype=">i2").T, [[1, 3], [2, 4]]),
        (np.array([True]), [True]),
        (np.array(["2024-01-02", "NaT"], dtype="M8[D]"), ["2024-01-02", None]),
        ([np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])], [[[0.5, 0.5]], [[1.0, 0.0]]]),
        (pd.Series([1.5, NAN]), [1.5, None]),
        (pd.Series(["a", None], dtype="string"), ["a", None]),
        (pd.Series(["a"], dtype="category"), ["a"]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (pd.DataFrame([[1, 2.5]]), [[1, 2.5]]),
        (
            pd.DataFrame({"t": [pd.Timestamp("2024-01-02"), pd.NaT]}),
            [{"t": "2024-01-02T00:00:00"}, {"t": None}],
        ),
        (sparse.csr_matrix([[0, 1.5]]), [[0, 1.5]]),
        ({"label": np.array(["a"]), "score": np.float32(0.5)}, {"label": ["a"], "score": 0.5}),
        ({"n": np.int64(1), 2: {"x"}, "d": Decimal("1.5")}, {"n": 1, "2": ["x"], "d": 1.5}),
        (np.int64(3), 3),
        (np.str_("x"), "x"),
        (np.array(1.5), 1.5),
        (1.5, 1.5),
        ("x", "x"),
        (None, None),
        (
            [datetime.datetime(2024, 1, 2), datetime.date(2024, 1, 2)],
            ["2024-01-02T00:00:00", "2024-01-02"],
        ),
    ],
)
def test_json(prediction: Any, expected: Any) -> None:
    """Plain nested lists, as the inference toolkit writes arrays; NaN as null."""
    assert json.loads(written(prediction, "application/json")) == expected


def test_a_request_in_an_envelope_gets_its_answer_in_one() -> None:
    """Instances are answered with predictions; a user's own dict stays as it is."""
    array, own = np.array([0.1], dtype=np.float32), {"mine": [1]}

    assert json.loads(written(array, "application/json", envelope="instances")) == {
        "predictions": [float(np.float32(0.1))]
    }
    assert json.loads(written(own, "application/json", envelope="instances")) == own


@pytest.mark.parametrize(
    ("prediction", "accept", "expected"),
    [
        (np.array([0, 1]), "text/csv", "0\n1\n"),
        (np.array([0.1, NAN, 1e300]), "text/csv", '0.1\n""\n1e+300\n'),
        (np.array([[1.5, 2], [3, 4]]), "text/csv", "1.5,2.0\n3.0,4.0\n"),
        (np.array(["a,b", 'c"d', "e\nf", "é"]), "text/csv", '"a,b"\n"c""d"\n"e\nf"\né\n'),
        (np.array(["a\rb"]), "text/csv", '"a\rb"\n'),
        (np.array([True]), "text/csv", "True\n"),
        (np.array(["x"]), "text/csv; header=present", "prediction\nx\n"),
        (np.ones((1, 2)), "text/csv; header=present", "prediction_0,prediction_1\n1.0,1.0\n"),
        (pd.DataFrame({"a": [1], "b": ["x"]}), "text/csv", "1,x\n"),
        (pd.DataFrame({"a": [1], "b": ["x"]}), "text/csv; header=present", "a,b\n1,x\n"),
        (pd.Series([1.5], name="s"), "text/csv; header=present", "s\n1.5\n"),
        (sparse.csr_matrix([[0, 1.5]]), "text/csv", "0.0,1.5\n"),
        ({"label": ["a", "b"], "score": [0.5, 1]}, "text/csv", "a,0.5\nb,1.0\n"),
        ([{"label": "a"}], "text/csv", "a\n"),
        ([1, "a", None], "text/csv", '1\na\n""\n'),
        (2.5, "text/csv", "2.5\n"),
        (np.array([1.5]), "application/jsonlines", "1.5\n"),
        (np.array([[1, 2], [3, 4]]), "application/jsonlines", "[1,2]\n[3,4]\n"),
        (pd.DataFrame({"a": [1, 2]}), "application/jsonlines", '{"a":1}\n{"a":2}\n'),
        ({"a": 1}, "application/jsonlines", '{"a":1}\n'),
        (np.array([[0, 1.5]]), "text/libsvm", "0 2:1.5\n"),
    ],
)
def test_text(prediction: Any, accept: str, expected: str) -> None:
    """One prediction per line."""
    assert written(prediction, accept).decode() == expected


def test_the_target_names_the_column() -> None:
    """The signature knows what was predicted."""
    prediction = np.array(["setosa"])

    assert written(prediction, "text/csv; header=present", signature=NAMED) == b"species\nsetosa\n"
    frame = pd.read_parquet(
        io.BytesIO(written(prediction, "application/x-parquet", signature=NAMED))
    )
    assert frame.to_dict("list") == {"species": ["setosa"]}


@pytest.mark.parametrize(
    "accept", ["text/csv; charset=latin-1", "application/json; charset=latin-1"]
)
def test_a_charset_is_honoured(accept: str) -> None:
    """The content type repeats what was asked for."""
    body, content_type = encode(["é"], MediaType.parse(accept))

    assert "é".encode("latin-1") in body
    assert content_type == accept


@pytest.mark.parametrize("accept", ["text/csv; charset=ascii", "text/csv; charset=klingon"])
def test_a_charset_that_cannot_hold_it_is_not_acceptable(accept: str) -> None:
    """Nothing is replaced by question marks."""
    with pytest.raises(NotAcceptable):
        written(["é"], accept)


@pytest.mark.parametrize(
    ("prediction", "accept"),
    [
        (np.ones((1, 1, 1)), "text/csv"),
        ([[1], [1, 2]], "text/csv"),
        ({"a": [1], "b": [1, 2]}, "text/csv"),
        (np.array(["a", 1], dtype=object), "application/x-npy"),
        ({"a": ["x"], "b": [1]}, "application/x-npy"),
        (["a"], "text/libsvm"),
        (["a"], "application/x-recordio-protobuf"),
        (sparse.csr_matrix((10**6, 10**6)), "text/csv"),
        (sparse.csr_matrix((10**6, 10**6)), "application/json"),
    ],
)
def test_what_a_type_cannot_hold_is_not_acceptable(prediction: Any, accept: str) -> None:
    """Nothing is pickled, cut or guessed at."""
    with pytest.raises(NotAcceptable) as caught:
        written(prediction, accept)

    assert "\n" not in caught.value.detail


@pytest.mark.parametrize(
    "accept",
    [
        *("application/json", "application/jsonlines", "text/csv", "text/libsvm"),
        *("application/x-npz", "application/x-parquet"),
    ],
)
@pytest.mark.parametrize(
    "prediction", [object(), [object()], [(n for n in [1])], [lambda: 1], {"a": object()}]
)
def test_what_no_type_can_hold_is_a_bug(prediction: Any, accept: str) -> None:
    """Another Accept would not have helped the caller."""
    with pytest.raises(PredictionFailed) as caught:
        written(prediction, accept)

    assert "can't be written as JSON" in caught.value.detail
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize(
    "accept", ["application/json", "application/jsonlines", "text/csv", "application/x-parquet"]
)
@pytest.mark.parametrize("prediction", [[1j], np.array([1j]), np.array([[1, 2j]])])
def test_complex_numbers_are_a_bug(prediction: Any, accept: str) -> None:
    """They are numbers to numpy's formats alone."""
    with pytest.raises(PredictionFailed, match="complex"):
        written(prediction, accept)

    assert np.load(io.BytesIO(written(prediction, "application/x-npy"))).dtype == complex


def test_text_is_written_to_npy_without_pickling() -> None:
    """Labels are objects to scikit-learn, and plain text to numpy's format."""
    body = written(np.array(["a", "bc"], dtype=object), "application/x-npy")

    assert np.load(io.BytesIO(body), allow_pickle=False).tolist() == ["a", "bc"]


def test_a_sparse_prediction_stays_sparse_in_npz() -> None:
    """What can hold a sparse matrix gets one."""
    matrix = sparse.csr_matrix([[0, 1.5], [2, 0]])

    body = written(matrix, "application/x-npz")

    assert (sparse.load_npz(io.BytesIO(body)) != matrix).nnz == 0


FLOATS = st.floats(allow_nan=True, allow_infinity=False)
MATRICES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(FLOATS, min_size=width, max_size=width), min_size=1, max_size=6)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@pytest.mark.parametrize(
    "media_type", sorted(set(writable()) - {"application/x-recordio-protobuf"})
)
@settings(deadline=None, max_examples=25)
@given(MATRICES)
def test_numbers_return_as_they_were(media_type: str, rows: list[list[float]]) -> None:
    """What one container of a pipeline writes, the next one reads, to the last bit."""
    width = Signature((Column(None, "number", "float64"),) * len(rows[0]))

    data = decode(written(np.array(rows), media_type), media_type, width).data

    data = data.toarray() if sparse.issparse(data) else data
    np.testing.assert_array_equal(np.asarray(data, dtype=float), np.array(rows))


@pytest.mark.parametrize(
    "media_type", ["text/csv", "application/json", "application/x-npy", "application/x-parquet"]
)
@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.lists(TEXT.filter(lambda text: text not in MISSING), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_text_returns_as_it_was(media_type: str, rows: list[list[str]]) -> None:
    """Commas, quotes, line ends and every script come back unharmed."""
    texts = Signature((Column(None, "string"),) * 2)
    accept = f"{media_type}; header=absent"

    data = as_frame(decode(written(np.array(rows, dtype=object), accept), accept, texts).data)

    assert np.asarray(data).tolist() == rows
