"""Forms of JSON that other servers take: each is answered in its own kind, or refused."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from contract.columns import Column
from contract.errors import InvocationError
from contract.signature import Signature
from handler import codecs
from handler.codecs import MediaType, decode, encode
from handler.invocation.model_input import conform

from .samples import NUMBERS, POSITIONS, json_bytes, refusal, take

JSON = MediaType.parse("application/json")
LABELLED = Signature(POSITIONS.inputs, outputs=(Column("species", "string"),))


def answer(document: Any, prediction: Any, signature: Signature | None = POSITIONS) -> Any:
    """What a prediction for a document is written as."""
    envelope = decode(json_bytes(document), "application/json", signature).envelope
    return json.loads(encode(prediction, JSON, signature=signature, envelope=envelope)[0])


def tensor(data: Any, shape: list[int], datatype: str = "FP64", **more: Any) -> dict[str, Any]:
    return {"name": "x", "shape": shape, "datatype": datatype, "data": data, **more}


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, 3]]}},
        {"dataframe_split": {"columns": ["a", "b", "c"], "index": [0], "data": [[1, 2, 3]]}},
        {"dataframe_records": [{"a": 1, "b": 2, "c": 3}]},
        {"instances": [[1, 2, 3]]},
        {"instances": [{"a": 1, "b": 2, "c": 3}]},
        {"inputs": [[1, 2, 3]]},
        {"inputs": {"a": [1], "b": [2], "c": [3]}},
        {"inputs": [[1, 2, 3]], "params": {"temperature": 0.5}},
        {"dataframe_records": [{"a": 1, "b": 2, "c": 3}], "params": {}},
    ],
)
def test_mlflows_forms_are_answered_with_predictions(document: Any) -> None:
    """As MLflow's own server does."""
    assert answer(document, np.array([7]), NUMBERS) == {"predictions": [7]}
    assert take(json_bytes(document), None, NUMBERS).to_numpy().tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("prediction", "output"),
    [
        (np.array([1, 2]), ("species", "INT64", [2], [1, 2])),
        (np.array([1.5, np.nan]), ("species", "FP64", [2], [1.5, None])),
        (np.array([0.5], dtype="float32"), ("species", "FP32", [1], [0.5])),
        (np.array([True, False]), ("species", "BOOL", [2], [True, False])),
        (np.array(["a", "b"]), ("species", "BYTES", [2], ["a", "b"])),
        (np.array(["a", None], dtype=object), ("species", "BYTES", [2], ["a", None])),
        (np.array([1, 2], dtype=object), ("species", "INT64", [2], [1, 2])),
        (["a", "b"], ("species", "BYTES", [2], ["a", "b"])),
        (np.array([[0.25, 0.75]]), ("prediction", "FP64", [1, 2], [0.25, 0.75])),
        (sparse.csr_matrix([[0, 1.0]]), ("prediction", "FP64", [1, 2], [0.0, 1.0])),
        (
            pd.Series([datetime.date(2024, 1, 2)], name="day"),
            ("day", "BYTES", [1], ["2024-01-02"]),
        ),
    ],
)
def test_tensors_are_answered_with_tensors(prediction: Any, output: Any) -> None:
    """With name, datatype, shape, flat data, and the request's id."""
    document = {"id": "42", "inputs": [tensor([1, 2, 3], [1, 3])]}

    answered = answer(document, prediction, LABELLED)

    assert answered["id"] == "42"
    assert [
        tuple(one[key] for key in ("name", "datatype", "shape", "data"))
        for one in answered["outputs"]
    ] == [output]


def test_a_table_is_a_tensor_for_each_column() -> None:
    """Each of its own datatype."""
    prediction = pd.DataFrame({"label": ["a"], "score": [0.5]})

    answered = answer({"inputs": [tensor([1, 2, 3], [1, 3])]}, prediction)

    assert "id" not in answered
    assert [(o["name"], o["datatype"]) for o in answered["outputs"]] == [
        ("label", "BYTES"),
        ("score", "FP64"),
    ]


def test_an_output_has_the_name_that_is_asked_for() -> None:
    """There is but one."""
    document = {"inputs": [tensor([1, 2, 3], [1, 3])], "outputs": [{"name": "y"}]}

    assert answer(document, np.array([1]))["outputs"][0]["name"] == "y"


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({"inputs": [tensor([1, 2, 3], [1, 3])], "outputs": [{"name": "y"}, {}]}, "has one"),
        (
            {"inputs": [tensor([1, 2, 3], [1, 3])], "parameters": {"binary_data_output": True}},
            "binary data",
        ),
        (
            {
                "inputs": [
                    {
                        "name": "x",
                        "shape": [1, 3],
                        "datatype": "FP32",
                        "parameters": {"binary_data_size": 12},
                    }
                ]
            },
            "binary data",
        ),
        ({"inputs": [tensor([1, 2, 3], [1, 3], "COMPLEX")]}, "datatype"),
        ({"inputs": [tensor([1, 2, 300], [1, 3], "UINT8")]}, "row 1"),
        ({"inputs": [tensor([1, 2, 3, 4, 5, "6"], [2, 3])]}, "row 2"),
        ({"inputs": [tensor([1, 2, 0.5], [1, 3], "INT64")]}, "is no INT64"),
        ({"inputs": [tensor([1, 2], [1, 3])]}, "has 2 values"),
        ({"inputs": [tensor([1, 2, 3], [1, 1, 3])]}, "has shape"),
    ],
)
def test_other_tensors_are_refused(document: Any, part: str) -> None:
    """With the reason."""
    error = refusal(json_bytes(document), None, POSITIONS)

    assert error.status in (400, 422)
    assert part in error.detail


def test_a_prediction_that_no_datatype_is_for_is_refused() -> None:
    """Rather than written as something else."""
    with pytest.raises(InvocationError, match="several kinds") as refused:
        answer({"inputs": [tensor([1, 2, 3], [1, 3])]}, np.array(["a", 1], dtype=object))
    assert refused.value.status == 406


def test_whole_numbers_in_tensors_are_exact() -> None:
    """Their datatype says what they are."""
    signature = Signature((Column("a", "integer", "int64"), Column("b", "number", "float64")))
    inputs = [
        {"name": "b", "shape": [1], "datatype": "FP64", "data": [0.5]},
        {"name": "a", "shape": [1, 1], "datatype": "INT64", "data": [9007199254740993]},
    ]

    taken = take(json_bytes({"inputs": inputs}), None, signature)

    assert taken["a"].tolist() == [9007199254740993]


DENSE = [
    {"features": [1, 2, 3]},
    {"features": {"values": [1, 2, 3]}},
    {"data": {"features": {"values": [1, 2, 3]}}},
    {"data": {"features": [1, 2, 3]}},
]
SPARSE = [
    {"data": {"features": {"keys": [0, 2], "shape": [3], "values": [1, 3]}}},
    {"features": {"keys": [2, 0], "shape": [3], "values": [3, 1]}},
    {"keys": [0, 2], "shape": [3], "values": [1, 3]},
    {"keys": [0, 2], "shape": [1, 3], "values": [1, 3]},
]


@pytest.mark.parametrize("signature", [NUMBERS, POSITIONS, None])
@pytest.mark.parametrize(
    ("row", "expected"), [(d, [1, 2, 3]) for d in DENSE] + [(s, [1, 0, 3]) for s in SPARSE]
)
def test_rows_of_the_built_in_algorithms(
    row: Any, expected: list[int], signature: Signature | None
) -> None:
    """Dense and sparse, in a document, alone and a line each."""
    bodies = [
        (json_bytes({"instances": [row, row]}), "application/json", 2),
        (json_bytes([row]), "application/json", 1),
        (json_bytes(row), "application/json", 1),
        (json_bytes(row) + b"\n" + json_bytes(row), "application/jsonlines", 2),
    ]
    for body, content_type, rows in bodies:
        taken = take(body, content_type, signature)
        taken = taken.toarray() if sparse.issparse(taken) else np.asarray(taken)
        assert taken.tolist() == [expected] * rows


def test_dense_and_sparse_rows_meet() -> None:
    """A dense row has all keys."""
    taken = take(json_bytes({"instances": [DENSE[2], SPARSE[0]]}), None, POSITIONS)

    assert taken.toarray().tolist() == [[1, 2, 3], [1, 0, 3]]


@pytest.mark.parametrize(
    "row",
    [
        {"features": {"keys": [3], "shape": [3], "values": [1]}},
        {"features": {"keys": [0], "shape": [3], "values": [1, 2]}},
        {"features": {"keys": [0, 0], "shape": [3], "values": [1, 2]}},
        {"features": {"keys": [-1], "shape": [3], "values": [1]}},
        {"features": {"keys": ["0"], "shape": [3], "values": [1]}},
        {"features": {"keys": [0], "shape": [3], "values": ["x"]}},
        {"features": {"keys": [0], "shape": [10**18], "values": [1]}},
    ],
)
def test_a_misshapen_sparse_row_is_refused(row: Any) -> None:
    """Before anything is made of it."""
    assert refusal(json_bytes([row]), None, POSITIONS).status in (400, 413, 422)


def test_columns_of_these_names_are_columns() -> None:
    """The model's own names come first."""
    signature = Signature((Column("values", "number"), Column("keys", "number")))

    taken = take(b'[{"keys": 1, "values": 2}]', None, signature)

    assert taken.to_numpy().tolist() == [[2, 1]]


def test_dates_of_a_frame_come_back_from_its_own_json() -> None:
    """Which has milliseconds since 1970, by pandas' default up to its version 3."""
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-07-01T12:00:00", "1969-07-20T20:17:40"])})
    signature = Signature.of_data(None, frame)
    document = {"day": {"0": 1719835200000, "1": -14182940000}}

    taken = conform(codecs.decode(json_bytes(document), None, signature).data, signature)

    pd.testing.assert_frame_equal(taken, frame)


def test_one_record_may_stand_without_a_list() -> None:
    record = {"a": 1, "b": 2, "c": 3}
    for document in ({"inputs": record}, {"dataframe_records": record}, {"instances": record}):
        assert answer(document, np.array([7]), NUMBERS) == {"predictions": [7]}
        assert take(json_bytes(document), None, NUMBERS).to_numpy().tolist() == [[1, 2, 3]]


def test_texts_in_base64_are_read_where_it_is_said() -> None:
    """MLServer's clients say it in a parameter."""
    signature = Signature((Column("x", "string", "object"), Column("y", "string", "object")))
    encoded = {"content_type": "base64"}
    tensors = [
        {**tensor(["w6k="], [1], "BYTES", parameters=encoded), "name": "x"},
        {**tensor(["w6k="], [1], "BYTES", parameters={"content_type": "str"}), "name": "y"},
    ]

    taken = take(json_bytes({"inputs": tensors}), None, signature)

    assert taken.to_numpy().tolist() == [["é", "w6k="]]
    tensors[0]["data"] = ["é"]
    assert "base64" in refusal(json_bytes({"inputs": tensors}), None, signature).detail


@pytest.mark.parametrize(
    ("data", "shape", "read"),
    [
        ([[1, 2, 3], [4, 5, 6]], [2, 3], True),
        ([1, 2, 3, 4, 5, 6], [2, 3], True),
        ([[1, 2], [3, 4], [5, 6]], [2, 3], False),
        ([[1, 2, 3, 4, 5, 6]], [2, 3], False),
        ([[1, 2], [3], [4, 5, 6]], [2, 3], False),
    ],
)
def test_lists_in_a_tensor_are_as_its_shape_says(
    data: list[Any], shape: list[int], read: bool
) -> None:
    """They would be read as other rows, else."""
    body = json_bytes({"inputs": [tensor(data, shape)]})

    if read:
        assert take(body, None, POSITIONS).tolist() == [[1, 2, 3], [4, 5, 6]]
    else:
        assert refusal(body, None, POSITIONS).status == 400
