"""What a model is given is what it was fitted on: in type, in container, in every content type."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from contract import Signature
from contract.errors import UnprocessablePayload
from contract.signature_from_estimator import signature_of
from handler import codecs
from handler.invocation.model_input import conform

TEXTS = ["free money now", "lunch today?", "win a prize", "meeting at noon"]
LABELS = ["spam", "ham", "spam", "ham"]


def ask(model: Any, signature: Signature | None, body: bytes, content_type: str) -> list[Any]:
    """The model's answer to a body, as the pipeline would get it."""
    data = conform(codecs.decode(body, content_type, signature).data, signature)
    return list(model.predict(data))


def written(signature: Signature) -> Signature:
    """The signature as serving reads it."""
    return Signature.from_json(signature.to_json())


def npy(array: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


class Product(BaseEstimator):
    """Multiplies two columns in whatever type it is given."""

    def predict(self, X: Any) -> Any:
        values = np.asarray(X)
        return values[:, 0] * values[:, 1]


def codes(X: pd.DataFrame) -> pd.DataFrame:
    return X.assign(sex=X["sex"].cat.codes)


def test_categories_are_those_of_training() -> None:
    """A row alone has the same code as among others; an unknown category is refused by name."""
    X = pd.DataFrame({"sex": pd.Categorical(["female", "male"] * 4), "age": range(8)})
    model = make_pipeline(FunctionTransformer(codes), DecisionTreeClassifier())
    model.fit(X, list(X["sex"]))
    signature = written(Signature.of_data(model, X))

    alone = ask(model, signature, b"male,3\n", "text/csv")
    among = ask(model, signature, parquet(X.iloc[[1, 0]]), "application/x-parquet")

    assert (alone, among) == (["male"], ["male", "female"])
    with pytest.raises(UnprocessablePayload, match="must be one of female, male") as refused:
        ask(model, signature, b"female,1\nman,3\n", "text/csv")
    assert (refused.value.row, refused.value.column) == (2, "sex")


@pytest.mark.parametrize(
    "describe",
    [
        lambda model: Signature.of_data(model, pd.Series(TEXTS, name="text"), LABELS),
        lambda model: Signature.of_data(model, TEXTS, LABELS),
        signature_of,
    ],
)
def test_a_model_of_texts_gets_texts(describe: Callable[[Any], Signature]) -> None:
    """Fitted on a series or a list, it is not handed a table, of which it would read the names."""
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    signature = written(describe(model))

    lines = "".join(f"{text}\n" for text in TEXTS).encode()
    records = b'{"instances": [{"text": "free money now"}, {"text": "lunch today?"}]}'

    assert ask(model, signature, lines, "text/csv;header=absent") == LABELS
    assert ask(model, signature, records, "application/json") == ["spam", "ham"]
    assert ask(model, signature, b'["lunch today?"]', "application/json") == ["ham"]


@pytest.mark.parametrize(
    ("fitted_on", "body", "content_type", "product"),
    [
        (np.array([[1, 2]]), npy(np.array([[200, 2]], "uint8")), "application/x-npy", 400),
        (np.array([[1.0, 2.0]]), b"[[4000000000, 4000000000]]", "application/json", 1.6e19),
        (
            pd.DataFrame({"a": [1], "b": [1.5]}),
            b"[[4000000000, 4000000000]]",
            "application/json",
            1.6e19,
        ),
        (None, npy(np.array([[60000, 2]], "float16")), "application/x-npy", 119_999),
        (
            None,
            parquet(pd.DataFrame({"a": [100], "b": [2]}, dtype="int8")),
            "application/x-parquet",
            200,
        ),
    ],
)
def test_numbers_have_the_width_of_training(
    fitted_on: Any, body: bytes, content_type: str, product: float
) -> None:
    """A narrow type of the payload's does not overflow in the model, whatever the content type."""
    signature = None if fitted_on is None else written(Signature.of_data(None, fitted_on))

    (answer,) = ask(Product(), signature, body, content_type)

    assert answer == pytest.approx(product, rel=1e-3)


def test_large_whole_numbers_stay_exact() -> None:
    """Beyond what a float holds, for a column that was whole in training."""
    frame = pd.DataFrame({"id": [9007199254740993]})

    given = conform(frame, Signature.of_data(None, frame))

    assert given["id"].tolist() == [9007199254740993]


def test_a_whole_number_out_of_its_types_range_is_refused() -> None:
    """Rather than wrapped around."""
    signature = Signature.of_data(None, np.array([[1]], dtype="int8"))

    with pytest.raises(UnprocessablePayload, match="from -128 to 127, not 300") as refused:
        conform(np.array([[1], [300]]), signature)
    assert refused.value.row == 2


def test_numbered_columns_stay_numbered() -> None:
    """A table made of a bare array has numbers for names, and is put in their order."""
    X = pd.DataFrame(np.eye(3))
    model = make_pipeline(FunctionTransformer(lambda X: X[[0, 2]]), DecisionTreeClassifier())
    model.fit(X, ["a", "b", "c"])
    signature = written(Signature.of_data(model, X))

    assert ask(model, signature, b"0,0,1\n", "text/csv") == ["c"]
    assert ask(model, signature, b'[{"2": 1, "1": 0, "0": 0}]', "application/json") == ["c"]


def test_what_was_fitted_as_text_is_read_as_text() -> None:
    """Without a signature, the encoders tell: a ticket `113` alone is no number."""
    X = pd.DataFrame({"sex": ["male", "female"] * 3, "ticket": ["A5", "113"] * 3})
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["sex", "ticket"]))
    model = make_pipeline(encoder, LogisticRegression()).fit(X, [0, 1] * 3)
    signature = signature_of(model)

    assert signature is not None
    assert [column.kind for column in signature.inputs] == ["string", "string"]
    assert ask(model, signature, b"female,113\n", "text/csv") == [1]
