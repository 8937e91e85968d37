"""Models of which nothing is known, and requests with names where they want none or without."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request


class ByName:
    def predict(self, X: Any) -> Any:
        return np.asarray(X["a"] * 2)


class ByNames:
    def predict(self, X: Any) -> Any:
        return np.asarray(X[["a", "b"]].sum(axis=1))


class ByAttribute:
    def predict(self, X: Any) -> Any:
        return np.asarray(X.loc[:, "a"])


class OfACopy:
    def predict(self, X: Any) -> Any:
        X = X.copy()
        return np.asarray(X["a"])


class ByPosition:
    def predict(self, X: Any) -> Any:
        return X[:, 0]


class ByShape:
    def predict(self, X: Any) -> Any:
        return X.reshape(-1, 2)[:, 0]


class AsksItsOwn:
    """Asks an array of its own for a name, and a table of its own for a column that it lacks."""

    weights = np.zeros(3)
    table = pd.DataFrame({"w": [1.0]})

    def predict(self, X: Any) -> Any:
        return self.table["v"] if isinstance(X, pd.DataFrame) else self.weights["a"]


class LacksAnAttribute:
    def predict(self, X: Any) -> Any:
        return self.nothing  # type: ignore[attr-defined]


class Swallows:
    """Is asked once more, and must not be asked for ever."""

    asked = 0

    def predict(self, X: Any) -> Any:
        self.asked += 1
        if self.asked > 2:
            raise RuntimeError("asked too often")
        raise IndexError("only integers, slices and so on")


NAMELESS: list[tuple[str, Any]] = [("text/csv", "1,2\n"), ("application/json", [[1, 2]])]
NAMED: list[tuple[str, Any]] = [
    ("text/csv", "a,b\n1,2\n"),
    ("application/json", [{"a": 1, "b": 2}]),
]


def ask(model: Any, content_type: str, body: Any) -> tuple[int, Any]:
    sent = body if isinstance(body, str) else json.dumps(body)
    response = Pipeline(model).invoke(Request(sent.encode(), content_type))
    document = json.loads(response.body)
    return response.status, document if response.status == 200 else document["detail"]


@pytest.mark.parametrize("model", [ByName(), ByNames(), ByAttribute(), OfACopy()])
def test_a_model_that_wants_names_is_not_at_fault(model: Any) -> None:
    """Nor is it the caller, who is told what to send."""
    for content_type, body in NAMELESS:
        status, detail = ask(model, content_type, body)
        assert status == 422
        assert "header=present" in detail
        assert "save_signature" in detail
    for content_type, body in NAMED:
        assert ask(model, content_type, body)[0] == 200
    status, detail = ask(model, "application/json", [{"q": 1, "b": 2}])
    assert status == 422
    assert "a" in detail
    assert "which the body lacks" in detail or "that the body lacks" in detail


@pytest.mark.parametrize("model", [ByPosition(), ByShape()])
def test_a_model_that_wants_positions_says_so(model: Any) -> None:
    for content_type, body in NAMED:
        status, detail = ask(model, content_type, body)
        assert status == 422
        assert "by position" in detail
    for content_type, body in NAMELESS:
        assert ask(model, content_type, body) == (200, [1])


@pytest.mark.parametrize("model", [AsksItsOwn(), LacksAnAttribute(), Swallows()])
def test_a_fault_of_the_models_own_stays_its_own(model: Any) -> None:
    for content_type, body in NAMELESS[:1] if isinstance(model, Swallows) else NAMELESS + NAMED:
        assert ask(model, content_type, body)[0] == 500
