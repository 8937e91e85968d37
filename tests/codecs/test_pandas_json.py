"""Each orient in which pandas writes JSON, and what a table's labels become in it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract.signature import Signature

from .samples import NUMBERS, POSITIONS, json_bytes, refusal, take

ORIENTS = ["split", "records", "index", "columns", "values", "table"]
VALUES = np.array([[1.5, 2.0, 3.0], [4.0, 5.5, 6.0]])


def saved(X: Any) -> Signature:
    """The signature as serving reads it."""
    return Signature.from_json(Signature.of_data(object(), X).to_json())


def labelled(labels: Any) -> pd.DataFrame:
    frame = pd.DataFrame(VALUES)
    frame.columns = labels if isinstance(labels, pd.Index) else pd.Index(labels, dtype=object)
    return frame


@pytest.mark.parametrize("orient", ORIENTS)
@pytest.mark.parametrize("index", [[0, 1], [7, 3], ["x", "y"]])
@pytest.mark.parametrize("signature", [NUMBERS, POSITIONS, None])
def test_every_orient_is_read(orient: Any, index: list[Any], signature: Signature | None) -> None:
    """The index is no column; rows stay in their order."""
    frame = pd.DataFrame(VALUES, columns=["a", "b", "c"], index=index)
    text_index = isinstance(index[0], str) and orient in ("index", "columns")
    if text_index and signature is not NUMBERS:
        return  # nobody could tell names from an index

    taken = take(frame.to_json(orient=orient).encode(), None, signature)

    np.testing.assert_array_equal(np.asarray(taken, dtype=float), VALUES)


@pytest.mark.parametrize("orient", ["index", "columns"])
@pytest.mark.parametrize("rows", [1, 2, 5, 12])
def test_rows_and_columns_by_number_are_told_apart(orient: Any, rows: int) -> None:
    """By the number of columns that the model takes."""
    frame = pd.DataFrame(np.arange(rows * 3.0).reshape(rows, 3))

    taken = take(frame.to_json(orient=orient).encode(), None, POSITIONS)

    np.testing.assert_array_equal(taken, frame)


def test_what_may_be_turned_is_refused() -> None:
    """A square of numbered rows and numbered columns is the same either way."""
    body = pd.DataFrame(np.eye(3) + 1).to_json().encode()

    assert "another orient" in refusal(body, None, POSITIONS).detail


def test_rows_must_be_alike() -> None:
    body = json_bytes({"0": {"a": 1, "b": 2, "c": 3}, "1": {"a": 1, "b": 2}})

    assert "row 2 has other columns" in refusal(body, None, NUMBERS).detail


@pytest.mark.parametrize(
    "names",
    [["columns", "data", "index"], ["instances", "inputs", "data"], ["schema", "data", "x"]],
)
@pytest.mark.parametrize("orient", ["split", "records", "index", "columns"])
def test_columns_may_be_called_as_an_envelope(names: list[str], orient: Any) -> None:
    frame = labelled(names)

    taken = take(frame.to_json(orient=orient).encode(), None, saved(frame))

    pd.testing.assert_frame_equal(taken, frame, check_column_type=False)


LABELS: dict[str, Any] = {
    "years": [2019, 2020, 2021],
    "dates": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-03-01"]),
    "times": pd.to_datetime(
        ["2020-01-01T06:00", "2020-02-01T00:00:00.5", "2020-03-01T00:00"], format="ISO8601"
    ),
    "days": pd.to_timedelta([1, 2, 3], unit="D"),
    "floats": [1.5, 2.5, 10.0],
    "whole floats": [1.0, 2.0, 3.0],
    "one pair": [("a", 1), ("a", 2), ("b", 1)],
    "levels": pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x")]),
    "truths": [True, False, 2],
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_what_they_were(name: str) -> None:
    """Whatever was asked in the same process before: 1, 1.0 and True are equal, and not alike."""
    for other in LABELS.values():
        take(json_bytes(VALUES.tolist()), None, saved(labelled(other)))
    frame = labelled(LABELS[name])

    taken = take(json_bytes(VALUES.tolist()), None, saved(frame))

    if name == "days":  # such labels are kept as text
        frame.columns = pd.Index(list(map(str, frame.columns)), dtype=object)
    assert list(taken.columns) == list(frame.columns)
    assert list(map(type, taken.columns)) == list(map(type, frame.columns))
    assert taken.columns.nlevels == frame.columns.nlevels


@pytest.mark.parametrize("name", ["dates", "times"])
@pytest.mark.parametrize("turned", [False, True])
def test_names_that_are_dates_may_be_written_otherwise(name: str, turned: bool) -> None:
    """In CSV as days, in pandas' JSON as milliseconds, elsewhere with a T."""
    frame = labelled(LABELS[name])
    sent = frame.iloc[:, ::-1] if turned else frame
    iso = [label.isoformat() for label in sent.columns]
    counted = [str(int(label.timestamp() * 1000)) for label in sent.columns]
    bodies: list[tuple[bytes, str]] = [
        (sent.to_csv(index=False).encode(), "text/csv"),
        (sent.set_axis(counted, axis=1).to_json(orient="split").encode(), "application/json"),
        (sent.set_axis(counted, axis=1).to_json(orient="records").encode(), "application/json"),
        (sent.set_axis(iso, axis=1).to_json(orient="records").encode(), "application/json"),
        (sent.set_axis(list(map(str, sent)), axis=1).to_csv(index=False).encode(), "text/csv"),
    ]
    for body, content_type in bodies:
        taken = take(body, content_type, saved(frame))
        np.testing.assert_array_equal(taken.to_numpy(), VALUES, err_msg=str(body))


def test_a_table_keeps_its_own_index_column() -> None:
    """The orient table names its index, which a model may have been fitted on."""
    frame = pd.DataFrame({"key": [1.5, 2.5], "b": [3.0, 4.0]})
    body = frame.set_index("key").to_json(orient="table").encode()

    taken = take(body, None, saved(frame))

    assert taken.to_numpy().tolist() == frame.to_numpy().tolist()


def test_dates_of_a_table_come_as_dates() -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-05-17", "2024-05-18"]), "n": [1.0, 2.0]})
    body = frame.to_json(orient="table", date_format="iso").encode()

    assert json.loads(body)["schema"]
    taken = take(body, None, saved(frame))
    assert taken["day"].dt.date.tolist() == [datetime.date(2024, 5, 17), datetime.date(2024, 5, 18)]
