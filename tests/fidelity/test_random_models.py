"""Models put together by chance: the endpoint's answer is the model's, and rows stay apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from contract.estimators.independent_rows import why_together
from handler.invocation.compare_batched_answers import are_alike
from tests.fidelity import forms, models
from tests.fidelity.random_models import Drawn, draw
from tests.fidelity.test_oracle import check, pipelines, wanted, written_out

pytestmark = pytest.mark.slow

EACH_TIME, IN_ALL = 25, 150
SEEDS = [
    pytest.param(seed, marks=[] if seed < EACH_TIME else pytest.mark.fidelity)
    for seed in range(IN_ALL)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_model(seed: int) -> None:
    drawn = draw(seed)
    assert drawn is not None, "nothing could be fitted"
    X, rows = drawn.X, _rows(drawn.X, slice(models.SHOWN))
    expected = wanted(drawn.model, rows)
    if not are_alike(expected, wanted(drawn.model, rows)):
        pytest.skip(f"it answers by chance: {drawn.described}")

    found = pipelines(drawn.model, X)
    wrong = check(found, *_table(drawn, rows), expected, _forms(drawn))
    if why_together(found[False].model) is None:
        wrong += _mixed(drawn, found[False].model)

    assert not wrong, "\n".join([drawn.described, *wrong])


def _rows(X: Any, which: slice) -> Any:
    return X.iloc[which] if hasattr(X, "iloc") else X[which]


def _table(drawn: Drawn, rows: Any) -> tuple[str, pd.DataFrame]:
    """What the rows count as among the ways to fit, and the rows as a table."""
    if drawn.how in ("array", "sparse"):
        return "array", pd.DataFrame(written_out(rows), columns=["x1", "x2", "x3"])
    return drawn.how, rows


def _forms(drawn: Drawn) -> dict[str, Any]:
    return forms.FORMS if drawn.how == "table" else {**forms.FORMS, **forms.OF_NUMBERS}


def _mixed(drawn: Drawn, model: Any) -> list[str]:
    """What is answered otherwise beside other rows than alone, but for the last bits of figures."""
    method = model.predict if hasattr(model, "predict") else model.transform
    together = method(drawn.X)
    apart = [method(_rows(drawn.X, slice(at, at + 1))) for at in range(drawn.X.shape[0])]
    if hasattr(together, "columns"):
        joined = pd.concat(apart)
    elif sparse.issparse(together):
        joined = sparse.vstack(apart)
    else:
        joined = np.concatenate(apart)
    return [] if are_alike(together, joined) else ["rows are answered otherwise together"]
