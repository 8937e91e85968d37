"""Values that readers like to change: dates in zones, words that look missing, digits, blanks."""

from __future__ import annotations

import decimal
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from contract.columns import Column, Kind
from contract.estimators.model_inputs import completed, describe
from contract.signature import Signature
from contract.signature_from_estimator import signature_of
from handler import codecs
from handler.invocation.model_input import conform

from .samples import npy, parquet, refusal, take

BERLIN = "datetime64[ns, Europe/Berlin]"


def one(kind: Kind, dtype: str = "", **more: Any) -> Signature:
    return Signature((Column("x", kind, dtype, **more),), "table")


def saved(model: Any, X: Any) -> Signature:
    """The signature as serving reads it."""
    return Signature.from_json(Signature.of_data(model, X).to_json())


def ask(model: Any, signature: Signature | None, body: bytes, content_type: str) -> list[Any]:
    data = conform(codecs.decode(body, content_type, signature).data, signature)
    return list(model.predict(data))


def bodies(value: Any) -> list[tuple[bytes, str]]:
    """One value in every form of text."""
    text = json.dumps(value)
    return [
        (f"[[{text}]]".encode(), "application/json"),
        (f'[{{"x": {text}}}]'.encode(), "application/json"),
        (f'{{"columns": ["x"], "data": [[{text}]]}}'.encode(), "application/json"),
        (f'{{"inputs": {{"x": [{text}]}}}}'.encode(), "application/json"),
        (f'{{"x": {text}}}\n'.encode(), "application/jsonlines"),
        (f"x\n{value}\n".encode(), "text/csv"),
        (f'"{value}"\n'.encode(), "text/csv; header=absent"),
    ]


@pytest.mark.parametrize(
    ("value", "hour"),
    [
        ("2024-07-01T12:00:00+02:00", 12),
        ("2024-07-01T10:00:00Z", 12),
        ("2024-07-01 05:00:00-05:00", 12),
        ("2024-01-01T10:00:00Z", 11),
        ("2024-07-01T12:00:00", 12),  # on the column's own clock
        (1719828000000, 12),
    ],
)
def test_a_moment_is_shown_by_the_clock_of_training(value: Any, hour: int) -> None:
    """Whatever the zone in which the caller writes it."""
    for body, content_type in bodies(value):
        taken = take(body, content_type, one("datetime", BERLIN))["x"]
        assert str(taken.dtype) == BERLIN
        assert taken.dt.hour.tolist() == [hour], (body, content_type)


def test_a_moment_keeps_its_zone_in_binary_formats() -> None:
    """Parquet has zones; numpy has none, and means what a clock shows."""
    moment = pd.Series(pd.to_datetime(["2024-07-01T10:00:00Z"]))
    wall = np.array([["2024-07-01T12:00:00"]], dtype="datetime64[s]")
    signature = one("datetime", BERLIN)

    for series in (moment, moment.dt.tz_convert("Asia/Tokyo")):
        taken = take(parquet({"x": series}), "application/x-parquet", signature)
        assert taken["x"].dt.hour.tolist() == [12]
    assert take(npy(wall), "application/x-npy", signature)["x"].dt.hour.tolist() == [12]


@pytest.mark.parametrize(
    ("value", "dtype", "part"),
    [
        ("2024-03-31T02:30:00", BERLIN, "twice or never"),
        ("2024-10-27T02:30:00", BERLIN, "twice or never"),
        ("2024-05-17T12:00:00.5", "datetime64[s]", "counted in seconds"),
        ("1500-01-01", "datetime64[ns]", "counted in nanoseconds"),
        ("17.05.2024", "datetime64[ns]", "a date such as"),
        (20240517, "datetime64[ns]", "a date such as"),
        (1719828000, "datetime64[ns]", "milliseconds since 1970"),
        (1719828000000000, "datetime64[ns]", "milliseconds since 1970"),
        (True, "datetime64[ns]", "a date such as"),
    ],
)
def test_a_date_that_can_be_read_in_two_ways_is_refused(value: Any, dtype: str, part: str) -> None:
    """Or in none; by row and column."""
    error = refusal(json.dumps([[value]]).encode(), "application/json", one("datetime", dtype))

    assert (error.status, error.row, error.column) == (422, 1, "x")
    assert part in error.detail


def test_digits_of_a_day_are_a_day_in_text() -> None:
    """As ISO 8601 has it."""
    taken = take(b"x\n20240517\n1715904000000\n", "text/csv", one("datetime", "datetime64[us]"))

    assert taken["x"].tolist() == [pd.Timestamp("2024-05-17")] * 2


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int8", 128), ("uint8", -1), ("uint64", 2**64), ("int64", 2**63), ("Int8", -129)],
)
def test_a_number_out_of_its_types_range_is_named(dtype: str, value: int) -> None:
    """Rather than wrapped around, or made a float."""
    for body, content_type in bodies(value):
        error = refusal(body, content_type, one("integer", dtype))
        assert (error.status, error.row, error.column) == (422, 1, "x")
        assert "must be from" in error.detail


def test_a_large_number_beside_a_missing_one_is_not_changed() -> None:
    """A type without missing values would be a float's."""
    body = b"x\n9007199254740993\n\n"

    assert "would be another" in refusal(body, "text/csv", one("integer", "int64")).detail
    taken = take(body, "text/csv", one("integer", "Int64"))["x"]
    assert (taken[0], taken[1]) == (9007199254740993, pd.NA) or pd.isna(taken[1])
    assert taken[0] == 9007199254740993


WORDS = ["NA", "None", "null", "nan", "n/a", "DE", "02134", "1e5", "true"]


@pytest.mark.parametrize("container", ["frame", "array"])
@pytest.mark.parametrize("how", ["signature", "fitted"])
@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
def test_words_that_are_categories_are_text(encoder: Any, how: str, container: str) -> None:
    """Namibia is no missing country, quoted or not, and a postal code is no number."""
    frame = pd.DataFrame({"country": WORDS, "size": np.arange(len(WORDS)) * 1.0})
    X = frame if container == "frame" else frame.astype(object).to_numpy()
    columns: Any = ["country"] if container == "frame" else [0]
    model = make_pipeline(
        make_column_transformer((encoder(), columns), remainder="drop"),
        LogisticRegression(C=1e6, max_iter=10_000),
    )
    model.fit(X, WORDS)
    signature = saved(model, X) if how == "signature" else signature_of(model)
    expected = list(model.predict(X))
    rows = list(zip(WORDS, frame["size"], strict=True))

    plain = "".join(f"{word},{size}\n" for word, size in rows).encode()
    quoted = "".join(f'"{word}",{size}\n' for word, size in rows).encode()
    for body in (plain, quoted):
        assert ask(model, signature, body, "text/csv") == expected
        for one_row, answer in zip(body.splitlines(True), expected, strict=True):
            assert ask(model, signature, one_row, "text/csv") == [answer]
    assert ask(model, signature, json.dumps(rows).encode(), "application/json") == expected
    many = plain * 200
    assert ask(model, signature, many, "text/csv") == expected * 200


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("how", ["signature", "fitted"])
def test_what_is_missing_is_what_was_missing_in_training(missing: Any, how: str) -> None:
    """scikit-learn's encoders tell None from NaN."""
    X = np.array([["a"], [missing], ["b"]], dtype=object)
    model = make_pipeline(OneHotEncoder(), LogisticRegression(C=1e6)).fit(X, ["a", "?", "b"])
    signature = saved(model, X) if how == "signature" else signature_of(model)
    expected = list(model.predict(X))

    assert ask(model, signature, b"a\n\nb\n", "text/csv") == expected
    assert ask(model, signature, b'a\n""\nb\n', "text/csv") == expected
    assert ask(model, signature, b'[["a"], [null], ["b"]]', "application/json") == expected
    frame = {"0": ["a", None, "b"]}
    assert ask(model, signature, parquet(frame), "application/x-parquet") == expected


def test_none_and_nan_are_told_apart_by_json_alone() -> None:
    """An empty cell can't say which it is."""
    X = np.array([["a"], [None], [np.nan]], dtype=object)
    model = make_pipeline(OneHotEncoder(), LogisticRegression(C=1e6)).fit(X, ["a", "None", "NaN"])
    signature = saved(model, X)
    expected = list(model.predict(X))

    assert ask(model, signature, b'[["a"], [null], [NaN]]', "application/json") == expected
    error = refusal(b"a\n\n", "text/csv", signature)
    assert "is empty, and the model tells apart" in error.detail


def test_words_without_a_meaning_are_missing() -> None:
    """As every reader has it that training may have used."""
    X = pd.DataFrame({"x": ["a", "b"], "y": [1.0, 2.0]})

    assert pd.isna(take(b"NA,NA\n", "text/csv", saved(None, X))).to_numpy().all()


@pytest.mark.parametrize(
    ("body", "signature", "rows"),
    [
        (b"1\n\n3\n", one("number", "float64"), [1, np.nan, 3]),
        (b"\n1\n", one("number", "float64"), [np.nan, 1]),
        (b"1\n\n", one("number", "float64"), [1, np.nan]),
        (b"x\r\n1\r\n\r\n3", one("number", "float64"), [1, np.nan, 3]),
        (b"a\n\nb\n", one("string", "object"), ["a", np.nan, "b"]),
        (b"\n", one("number", "float64"), [np.nan]),
    ],
)
def test_a_blank_line_of_one_column_is_a_row(
    body: bytes, signature: Signature, rows: list[Any]
) -> None:
    """Whoever joins answers to lines gets one for each."""
    taken = take(body, "text/csv", signature)["x"].tolist()

    np.testing.assert_equal(taken, rows)
    if b"x" not in body:
        many = take(body * 9_000, "text/csv; header=absent", signature)["x"]
        assert len(many) == 9_000 * len(rows)


@pytest.mark.parametrize(
    ("body", "content_type", "line"),
    [
        (b"1,2\n\n3,4\n", "text/csv", 2),
        (b"\n1,2\n", "text/csv", 1),
        (b"a,b\r\n\r\n1,2\r\n", "text/csv", 2),
        (b'"1",2\n"3\n",4\n\n5,6', "text/csv", 4),
        (b"1,2\n" * 9_000 + b"\n1,2\n", "text/csv", 9_001),
        (b"1,2\r" * 9_000 + b"\r1,2\r", "text/csv", 9_001),
        (b"[1, 2]\n\n[3, 4]\n", "application/jsonlines", 2),
        (b"1:1 2:2\n\n1:3\n", "text/libsvm", 2),
    ],
)
def test_a_blank_line_of_several_columns_is_refused(
    body: bytes, content_type: str, line: int
) -> None:
    """It holds no row, and would shift all answers after it."""
    error = refusal(body, content_type, Signature((Column(None, "number", "float64"),) * 2))

    assert error.status == 400
    assert f"line {line} is blank" in error.detail


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8-sig", "text/csv"),
        ("utf-16", "text/csv"),
        ("utf-16-le", "text/csv; charset=utf-16le"),
        ("utf-32", "text/csv"),
        ("latin-1", "text/csv; charset=ISO-8859-1"),
        ("cp1252", "text/csv; charset=windows-1252"),
    ],
)
def test_every_encoding_and_line_end_is_read(encoding: str, content_type: str, end: str) -> None:
    """By a mark of its own, or by the charset."""
    body = end.join(["x,y", "é,1", "ü,2", ""]).encode(encoding)

    taken = take(body, content_type, None)

    assert taken.to_dict("list") == {"x": ["é", "ü"], "y": [1.0, 2.0]}


def test_mixed_line_ends_are_read() -> None:
    """As files have them that were put together."""
    taken = take(b"x,y\r\n1,2\n3,4\r5,6", "text/csv", None)

    assert taken["x"].tolist() == [1.0, 3.0, 5.0]


def test_utf_16_is_told_by_its_mark_in_json_too() -> None:
    """PowerShell writes both so."""
    assert take("[[1, 2]]".encode("utf-16"), "application/json", None).tolist() == [[1, 2]]


@pytest.mark.parametrize("unit", ["D", "h", "m", "s", "ms", "us", "ns"])
def test_an_array_of_dates_keeps_its_unit(unit: str) -> None:
    """Also one that pandas does not have."""
    X = np.array([["2024-01-01", "1999-12-31"]], dtype=f"datetime64[{unit}]")
    signature = saved(None, X)

    for body, content_type in (
        (b'[["2024-01-01", "1999-12-31T00:00Z"]]', "application/json"),
        (b"2024-01-01,1999-12-31\n", "text/csv"),
        (npy(X), "application/x-npy"),
    ):
        taken = take(body, content_type, signature)
        assert taken.dtype == X.dtype
        assert (taken == X).all()


def test_a_time_of_day_has_no_place_among_days() -> None:
    """Rather than being cut off."""
    signature = saved(None, np.array([["2024-01-01"]], dtype="datetime64[D]"))

    assert "no place" in refusal(b'[["2024-01-01T12:00"]]', "application/json", signature).detail


@pytest.mark.parametrize("word", ["now", "today", " Now "])
def test_no_word_is_the_time_of_the_request(word: str) -> None:
    """pandas would look at the clock."""
    for body, content_type in bodies(word):
        error = refusal(body, content_type, one("datetime", "datetime64[us]"))
        assert (error.status, error.row, error.column) == (422, 1, "x")


@pytest.mark.parametrize(("value", "year"), [("-1", 1969), ("0", 1970), ("12345", 1970)])
def test_few_digits_are_milliseconds_not_a_year(value: str, year: int) -> None:
    for body, content_type in bodies(value):
        taken = take(body, content_type, one("datetime", "datetime64[us]"))
        assert taken["x"].dt.year.tolist() == [year]


def test_a_missing_span_may_be_written_as_pandas_does() -> None:
    taken = take(b'[{"x": "NaT"}, {"x": "2h"}]', None, one("duration", "timedelta64[ms]"))

    assert taken["x"].isna().tolist() == [True, False]
    assert refusal(b'[{"x": "nan"}]', None, one("duration", "timedelta64[ms]")).status == 422


@pytest.mark.parametrize("rows", [1, 3_000])
def test_values_of_several_kinds_are_each_read_by_themselves(rows: int) -> None:
    """Whatever else stands in the column of that request."""
    X = pd.DataFrame({"x": pd.Series([1, "a", 2.5, None, "NA"], dtype=object), "n": 1.0})
    signature = saved(None, X)

    for cells in (["1"], ["1", "a"], ["2.5", "", "NA"]):
        body = "".join(f"{cell},1\n" for cell in cells * rows).encode()
        taken = take(body, "text/csv", signature)["x"].tolist()[: len(cells)]
        expected = [{"1": 1, "a": "a", "2.5": 2.5, "": None, "NA": "NA"}[cell] for cell in cells]
        assert list(map(type, taken)) == list(map(type, expected))
        assert taken == expected


def test_a_text_in_digits_beside_numbers_is_asked_for_in_json() -> None:
    X = pd.DataFrame({"x": pd.Series([1, "1", "a"], dtype=object), "n": 1.0})
    signature = saved(None, X)

    assert "send JSON" in refusal(b"a,1\n1,1\n", "text/csv", signature).detail
    assert take(b'[{"x": 1, "n": 1}, {"x": "1", "n": 1}]', None, signature)["x"].tolist() == [
        1,
        "1",
    ]


def test_decimal_numbers_are_pythons_own_again() -> None:
    """As databases give them; JSON of pandas writes them as text."""
    amounts = [decimal.Decimal("1.10"), None, decimal.Decimal("3")]
    X = pd.DataFrame({"x": pd.Series(amounts, dtype=object)})

    for body, content_type in (
        (b'[{"x": "1.10"}, {"x": null}, {"x": 3}]', "application/json"),
        (b"x\n1.10\n\n3\n", "text/csv"),
        (parquet({"x": amounts}), "application/x-parquet"),
    ):
        taken = take(body, content_type, saved(None, X))["x"].tolist()
        assert taken == amounts, content_type
        assert isinstance(taken[0], decimal.Decimal)


@pytest.mark.parametrize("container", ["frame", "array"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_blank_beside_a_comma_makes_no_other_category(container: str, signed: bool) -> None:
    """Unless the model knows both."""
    X: Any = pd.DataFrame({"x": ["02134", "a", " a", "b"], "n": [1.0, 2.0, 3.0, 4.0]})
    columns: Any = ["x"] if container == "frame" else [0]
    X = X if container == "frame" else X.astype(object).to_numpy()
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), columns)),
        LogisticRegression(C=1e6, max_iter=10_000),
    ).fit(X, ["zip", "plain", "blank", "other"])
    signature = saved(model, X) if signed else None
    known = completed(signature, model, describe(model))

    body = b" 02134, 1\n a, 2\na ,3\nb,4\n"
    assert ask(model, known, body, "text/csv") == ["zip", "blank", "plain", "other"]


def test_an_index_that_pandas_only_counted_is_a_column_again() -> None:
    """Of numbers such as 30, 41, 52 parquet holds no value."""
    frame = pd.DataFrame({"age": [30, 41, 52], "n": [1.0, 2.0, 3.0]})
    stream = io.BytesIO()
    frame.set_index(pd.RangeIndex(30, 60, 11, name="age"))[["n"]].to_parquet(stream)

    taken = take(stream.getvalue(), "application/x-parquet", saved(None, frame))

    pd.testing.assert_frame_equal(taken, frame)
    other = saved(None, frame[["n"]])
    assert take(stream.getvalue(), "application/x-parquet", other)["n"].tolist() == [1, 2, 3]
