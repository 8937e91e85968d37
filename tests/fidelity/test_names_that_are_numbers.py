"""Columns called by numbers in training: who knows their names tells a header by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract.estimators.model_inputs import describe
from handler import codecs
from handler.invocation.model_input import conform

VALUES = np.random.default_rng(0).normal(size=(40, 3))
TARGET = VALUES @ [1.0, 2.0, 3.0]
ROWS = VALUES[:4]


def fitted(library: str, labels: list[Any]) -> Any:
    X = pd.DataFrame(VALUES, columns=labels)
    if library == "lightgbm":
        model = pytest.importorskip("lightgbm").LGBMRegressor(n_estimators=3, verbosity=-1)
    elif library == "xgboost":
        model = pytest.importorskip("xgboost").XGBRegressor(n_estimators=3)
    else:
        model = pytest.importorskip("catboost").CatBoostRegressor(
            iterations=3, verbose=0, allow_writing_files=False
        )
    return model.fit(X, TARGET)


def ask(model: Any, body: bytes) -> Any:
    signature = describe(model).signature
    return model.predict(conform(codecs.decode(body, "text/csv", signature).data, signature))


@pytest.mark.parametrize("library", ["lightgbm", "xgboost", "catboost"])
@pytest.mark.parametrize("labels", [[2019, 2020, 2021], [2021, 2019, 2020], [1990, 2000, 2010]])
@pytest.mark.parametrize("turned", [False, True])
def test_a_booster_tells_its_header(library: str, labels: list[int], turned: bool) -> None:
    """Without a signature, in any order."""
    model = fitted(library, labels)
    rows = pd.DataFrame(ROWS, columns=labels)
    sent = rows.iloc[:, ::-1] if turned else rows

    np.testing.assert_array_equal(
        ask(model, sent.to_csv(index=False).encode()), model.predict(rows)
    )
    np.testing.assert_array_equal(
        ask(model, rows.to_csv(index=False, header=False).encode()), model.predict(rows)
    )


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
def test_made_up_names_are_none(library: str) -> None:
    """Which are given to an array's columns."""
    model = fitted(library, [0, 1, 2])

    assert describe(model).signature.names is None  # type: ignore[union-attr]
