"""What stands in for signature.json where a script saved none: what the fitted model remembers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from contract.signature_from_estimator import signature_of

# "113" is a text here: read as a number, it would be none of the categories.
ROOMS = pd.DataFrame(
    {
        "room": ["113", "12", "113", "7"],
        "size": [1.0, 2.0, 3.0, 4.0],
        "note": ["a b", "b", "a", "c"],
    }
)
TARGET = [0, 1, 0, 1]


def kinds(model: Any) -> dict[str | None, str]:
    signature = signature_of(model)
    assert signature is not None
    return {column.name: column.kind for column in signature.inputs}


@pytest.mark.parametrize(
    "columns", [["room"], slice(0, 1), slice("room", "room"), [0], [True, False, False], [-3]]
)
def test_a_column_of_categories_is_text(columns: Any) -> None:
    """However the script names it to the transformer."""
    encode = ColumnTransformer(
        [("room", OneHotEncoder(), columns), ("size", StandardScaler(), [1])]
    )
    model = make_pipeline(encode, LogisticRegression()).fit(ROOMS, TARGET)

    assert kinds(model) == {"room": "string", "size": "any", "note": "any"}


def test_a_column_that_is_vectorized_is_text() -> None:
    """A vectorizer is given one column, by its name."""
    vectorize = ColumnTransformer([("note", CountVectorizer(token_pattern=r"\w"), "note")])
    model = make_pipeline(vectorize, LogisticRegression()).fit(ROOMS, TARGET)

    assert kinds(model) == {"room": "any", "size": "any", "note": "string"}


def test_categories_inside_of_pipelines_and_searches() -> None:
    """The best of a search is what is looked at, and the encoder in a pipeline of its own."""
    encode = ColumnTransformer(
        [("room", make_pipeline(OneHotEncoder(handle_unknown="ignore")), ["room"])]
    )
    model = make_pipeline(encode, LogisticRegression())
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1.0]}, cv=2).fit(ROOMS, TARGET)

    assert kinds(search) == {"room": "string", "size": "any", "note": "any"}


def test_an_encoder_of_all_columns() -> None:
    """Those of its columns that hold text are text."""
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(
        ROOMS[["room", "size"]], TARGET
    )

    assert kinds(model) == {"room": "string", "size": "any"}


def test_a_model_of_texts_takes_a_list_of_them() -> None:
    """It has neither names nor a width."""
    model = make_pipeline(CountVectorizer(token_pattern=r"\w"), LogisticRegression())
    model.fit(ROOMS["note"], TARGET)

    signature = signature_of(model)

    assert signature is not None
    assert signature.container == "vector"
    assert [column.kind for column in signature.inputs] == ["string"]
    assert list(signature.classes) == [0, 1]
