"""Texts where a column holds numbers, or true and false: one rule for every form of a request."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from contract.errors import InvocationError
from contract.signature import Signature
from contract.signature_from_estimator import signature_of
from handler import codecs
from handler.invocation.model_input import conform

from .samples import npy, parquet, refusal

TABLE = pd.DataFrame(
    {"age": [30, 41, 52], "pay": [1.5, 2.25, 8.0], "ok": [True, False, True], "big": [1, 2, 3]}
)
MODEL = LinearRegression().fit(TABLE, [1.0, 2.0, 4.0])
SIGNED = Signature.from_json(Signature.of_data(MODEL, TABLE).to_json())
NAMES = list(TABLE)


def forms(row: list[str]) -> list[tuple[bytes, str]]:
    """One row of texts in every form that can hold a text."""
    tensors = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [text]}
        for name, text in zip(NAMES, row, strict=True)
    ]
    documents: list[Any] = [
        [row],
        [dict(zip(NAMES, row, strict=True))],
        {"instances": [row]},
        {"columns": NAMES, "data": [row]},
        {"dataframe_split": {"columns": NAMES, "data": [row]}},
        {"inputs": {name: [text] for name, text in zip(NAMES, row, strict=True)}},
        {"inputs": dict(zip(NAMES, row, strict=True))},
        {"dataframe_records": dict(zip(NAMES, row, strict=True))},
        {"inputs": tensors},
        {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "BYTES", "data": row}]},
    ]
    return [
        *((json.dumps(document).encode(), "application/json") for document in documents),
        (json.dumps(row).encode(), "application/jsonlines"),
        (",".join(f'"{text}"' for text in row).encode(), "text/csv"),
        (npy(np.array([row])), "application/x-npy"),
        (parquet({name: [text] for name, text in zip(NAMES, row, strict=True)}), PARQUET),
    ]


PARQUET = "application/x-parquet"


def ask(body: bytes, content_type: str, signature: Signature | None) -> float:
    data = conform(codecs.decode(body, content_type, signature).data, signature)
    return float(MODEL.predict(data)[0])


@pytest.mark.parametrize("age", ["30", " 30", "3e1", "+30", "30.0", "30 "])
@pytest.mark.parametrize("ok", ["true", "True", "1"])
def test_a_text_that_is_a_value_is_that_value(age: str, ok: str) -> None:
    """With a signature, in which way ever it is sent."""
    expected = MODEL.predict(pd.DataFrame([[30, 2.5, True, 7]], columns=NAMES))[0]

    for body, content_type in forms([age, "2.5", ok, "7"]):
        assert ask(body, content_type, SIGNED) == pytest.approx(expected), (body, content_type)


@pytest.mark.parametrize("text", ["30", " 30", "3e1", "+30", "30.0", "nan", "inf", "0x1F", "", "x"])
def test_a_signature_refuses_no_text_that_the_model_reads(text: str) -> None:
    """scikit-learn reads numbers in texts by itself."""
    body = json.dumps([[text, 2.5, True, 7]]).encode()
    by_itself = signature_of(MODEL)

    def outcome(signature: Signature | None) -> object:
        try:
            return ask(body, "application/json", signature)
        except ValueError:  # also what scikit-learn raises
            return "refused"
        except InvocationError:
            return "refused"

    assert outcome(SIGNED) == outcome(by_itself)


@pytest.mark.parametrize("text", ["", "0x1F", "1_000", "true", "1,5", "NA", "٣", "30%", "$30"])
def test_a_text_that_is_no_number_is_named(text: str) -> None:
    """By row and column, and never taken for another value."""
    body = json.dumps([dict(zip(NAMES, [text, 2.5, True, 7], strict=True))]).encode()

    error = refusal(body, "application/json", SIGNED)
    assert (error.status, error.row, error.column) == (422, 1, "age")


@pytest.mark.parametrize("text", ["yes", "2", "", "t"])
def test_a_text_that_is_no_truth_is_named(text: str) -> None:
    body = json.dumps([dict(zip(NAMES, [30, 2.5, text, 7], strict=True))]).encode()

    error = refusal(body, "application/json", SIGNED)
    assert (error.status, error.row, error.column) == (422, 1, "ok")


@pytest.mark.parametrize("number", [9007199254740993, -(2**63), 2**63 - 1])
def test_a_whole_number_in_a_text_keeps_its_digits(number: int) -> None:
    for body, content_type in forms(["30", "2.5", "true", str(number)]):
        taken = conform(codecs.decode(body, content_type, SIGNED).data, SIGNED)
        assert taken["big"].tolist() == [number], (body, content_type)


def test_true_and_false_may_be_counted() -> None:
    """1 and 0 of JSON, in records as in lists."""
    for row in ([30, 2.5, 1, 7], [30.0, 2.5, 1.0, 7.0]):
        for document in ([row], [dict(zip(NAMES, row, strict=True))]):
            taken = conform(codecs.decode(json.dumps(document).encode(), None, SIGNED).data, SIGNED)
            assert taken["ok"].tolist() == [True]
            assert taken["ok"].dtype == np.bool_
