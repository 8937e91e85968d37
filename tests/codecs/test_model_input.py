"""From data to what the model was fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression

from contract.columns import Column, Kind
from contract.errors import UnprocessablePayload
from contract.signature import Signature
from contract.signature_from_estimator import signature_of
from handler.invocation.model_input import conform, first_not_finite

from .samples import NUMBERS, POSITIONS


def one(kind: Kind, dtype: str = "") -> Signature:
    return Signature((Column("x", kind, dtype),))


def column(*values: Any) -> pd.DataFrame:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return pd.DataFrame({"x": pd.Series(array, dtype=object)})


def test_named_columns_come_in_any_order() -> None:
    """The model gets its own order and nothing else."""
    taken = conform(pd.DataFrame({"c": [3.0], "a": [1.0], "b": [2.0]}), NUMBERS)

    assert taken.to_dict("list") == {"a": [1], "b": [2], "c": [3]}


def test_unnamed_columns_are_taken_by_position() -> None:
    """An array gets the names of the model."""
    taken = conform(np.array([[1, 2, 3]]), NUMBERS)

    assert list(taken.columns) == ["a", "b", "c"]
    assert set(taken.dtypes) == {np.dtype("float64")}


def test_a_model_of_positions_gets_an_array() -> None:
    """Names that it does not know are passed over."""
    taken = conform(pd.DataFrame({"x": [1], "y": [2.5], "z": [None]}), POSITIONS)

    np.testing.assert_array_equal(taken, [[1, 2.5, np.nan]])
    assert taken.dtype == np.float64


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["a", "b"], ['"c", which the body lacks']),
        (["a", "b", "c", "d"], ['"d", which the model does not take']),
        (["a", "bb", "c"], ['"b"', '"bb"', 'did you mean "b"?']),
    ],
)
def test_other_names_are_named(names: list[str], parts: list[str]) -> None:
    """The error says what is missing, what is unknown and what was likely meant."""
    with pytest.raises(UnprocessablePayload) as caught:
        conform(pd.DataFrame({name: [1.0] for name in names}), NUMBERS)

    assert all(part in caught.value.detail for part in parts)


def test_another_width_is_named() -> None:
    """Both widths are in the message, and the model's names."""
    with pytest.raises(UnprocessablePayload, match=r"has 2 columns, the model takes 3: a, b, c"):
        conform(np.ones((1, 2)), NUMBERS)
    with pytest.raises(UnprocessablePayload, match=r"has 1 column, the model takes 3$"):
        conform(np.ones((1, 1)), POSITIONS)


@pytest.mark.parametrize(
    "data", [np.ones((0, 3)), pd.DataFrame({"a": []}), sparse.csr_matrix((0, 3))]
)
@pytest.mark.parametrize("signature", [NUMBERS, None])
def test_no_rows_are_refused(data: Any, signature: Signature | None) -> None:
    """A model can't predict nothing."""
    with pytest.raises(UnprocessablePayload, match="no rows"):
        conform(data, signature)


@pytest.mark.parametrize(
    ("kind", "dtype", "values", "expected", "expected_dtype"),
    [
        ("number", "float64", [1, 2.5, None], [1, 2.5, np.nan], "float64"),
        ("number", "float32", [1, 2.5], [1, 2.5], "float32"),
        ("number", "", [10**400, -(10**400)], [np.inf, -np.inf], "float64"),
        ("number", "float64", [True, 2], [1, 2], "float64"),
        ("integer", "int64", [1, 2], [1, 2], "int64"),
        ("integer", "int64", [1.0, 2.0], [1, 2], "int64"),
        ("integer", "int64", [1, None], [1, np.nan], "float64"),
        ("integer", "int64", [1, 2.5], [1, 2.5], "float64"),
        ("integer", "Int64", [1, None], [1, pd.NA], "Int64"),
        ("string", "object", ["a", None], ["a", np.nan], "object"),
        ("string", "string", ["a", None], ["a", pd.NA], "string"),
        ("string", "category", ["a", "b"], ["a", "b"], "category"),
        ("boolean", "bool", [True, False], [True, False], "bool"),
        ("boolean", "bool", [True, None], [True, np.nan], "object"),
        ("boolean", "boolean", [True, None], [True, pd.NA], "boolean"),
        ("any", "", ["a", 1, None], ["a", 1, np.nan], "object"),
    ],
)
def test_values_get_the_type_they_had(
    kind: Kind, dtype: str, values: list[Any], expected: list[Any], expected_dtype: str
) -> None:
    """Types return to those of training as far as the values allow."""
    taken = conform(column(*values), one(kind, dtype))["x"]

    assert str(taken.dtype) == expected_dtype
    assert list(map(str, taken.tolist())) == list(
        map(str, pd.Series(expected, dtype=expected_dtype).tolist())
    )


@pytest.mark.skipif(pd.__version__ < "3", reason="pandas 2 has no type of text named str")
def test_text_of_pandas_3_stays_its_own() -> None:
    """A transformer that selects columns by type still finds them."""
    taken = conform(column("a", None), one("string", "str"))["x"]

    assert str(taken.dtype) == "str"


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["2024-01-02T03:04:05", "2024-01-02"], "datetime64[us]"),
        (["2024-01-02T05:04:05+02:00", "2024-01-02"], "datetime64[ns]"),
        ([pd.Timestamp("2024-01-02T03:04:05"), None], "datetime64[us]"),
    ],
)
def test_dates_are_read(values: list[Any], dtype: str) -> None:
    """ISO 8601, in UTC where a zone is given."""
    taken = conform(column(*values), one("datetime", dtype))["x"]

    assert taken.dtype.kind == "M"
    assert taken[0] == pd.Timestamp("2024-01-02T03:04:05")


def test_dates_with_a_zone_keep_it() -> None:
    """A model fitted on UTC gets UTC."""
    taken = conform(column("2024-01-02T05:00:00+02:00"), one("datetime", "datetime64[us, UTC]"))

    assert taken["x"][0] == pd.Timestamp("2024-01-02T03:00:00Z")


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("number", "12,5"),
        ("number", "x" * 1000),
        ("integer", "1_0"),
        ("string", 1),
        ("string", True),
        ("boolean", "yes"),
        ("boolean", 2),
        ("datetime", 20240101),
        ("datetime", "yesterday"),
        ("datetime", "2024-13-01"),
    ],
)
def test_a_value_of_another_kind_is_named(kind: Kind, wrong: Any) -> None:
    """Row, column and the value, shortened, are in the message."""
    with pytest.raises(UnprocessablePayload) as caught:
        conform(column(None, wrong), one(kind))

    assert (caught.value.row, caught.value.column) == (2, "x")
    assert 'row 2, column "x"' in caught.value.detail
    assert len(caught.value.detail) < 200


def test_sparse_data_stays_sparse_for_a_model_of_positions() -> None:
    """Only names need a data frame."""
    matrix = sparse.csr_matrix([[1.0, 0, 3]])

    assert conform(matrix, POSITIONS) is matrix
    assert conform(matrix, None) is matrix
    assert conform(matrix, NUMBERS).to_dict("list") == {"a": [1], "b": [0], "c": [3]}


def test_without_a_signature_only_names_matter() -> None:
    """Named data stays a data frame, unnamed data becomes an array."""
    named = pd.DataFrame({"x": [1], "y": ["a"]})
    unnamed = pd.DataFrame({0: [1], 1: ["a"]})

    assert conform(named, None) is named
    assert conform(unnamed, None).tolist() == [[1, "a"]]


def test_what_scikit_learn_recorded_is_enough_to_map_names() -> None:
    """A model without signature.json still knows its columns."""
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0]})
    signature = signature_of(LinearRegression().fit(X, [1, 2, 3]))

    taken = conform(X[["b", "a"]], signature)

    assert list(taken.columns) == ["a", "b"]
    with pytest.raises(UnprocessablePayload):
        conform(X[["a"]], signature)


def test_half_a_surrogate_pair_is_refused() -> None:
    """It is no text, and would fail wherever it is encoded."""
    with pytest.raises(UnprocessablePayload):
        conform(np.array([["\ud800"]], dtype=object), one("string", "string[pyarrow]"))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (np.array([[1, 2], [3, np.nan]]), (2, 2)),
        (np.array([[np.inf, 2], [3, np.nan]]), (2, 2)),
        (np.array([[1, 2], [1e39, 4]]), (2, 1)),
        (np.array([[1, -np.inf], [1e39, 4]]), (1, 2)),
        (np.array([[1, 2]]), None),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), (2, "b")),
        (pd.DataFrame({"a": [1, np.inf], "b": [np.nan, 1]}), (1, "b")),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), None),
        (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), (2, "a")),
        (pd.DataFrame({"a": [pd.Timestamp(0), pd.NaT]}), (2, "a")),
        (pd.DataFrame({"a": [True, False]}), None),
        (sparse.csr_matrix([[0, 1.0], [0, np.nan]]), (2, 2)),
        (sparse.csr_matrix([[0, 1.0], [1e39, 0]]), (2, 1)),
        (sparse.csr_matrix([[0, 1.0]]), None),
    ],
)
def test_the_first_cell_that_is_not_finite(data: Any, place: tuple[int, Any] | None) -> None:
    """The place for the message in which the model itself names none."""
    assert first_not_finite(data) == place
