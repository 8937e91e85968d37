"""Which models may be asked for several requests' rows at once, held against scikit-learn."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn import linear_model, preprocessing, tree
from sklearn.base import is_regressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from contract.estimators.class_names import class_name
from contract.estimators.independent_rows import why_together
from contract.estimators.independent_rows_classes import APART, MIXING
from tests.fidelity.every_estimator import ALL, FOR_TARGETS, made

ROWS = 36
# Figures are added up by BLAS in another order for another number of rows.
RELATIVE = 1e-9
GENERATOR = np.random.default_rng(3)
# Few values, so that there are ties, and figures that are never alike.
GRID = GENERATOR.integers(0, 3, size=(ROWS, 4)).astype(float)
FIGURES = GENERATOR.normal(size=(ROWS, 4)) + 3
LABELS = GENERATOR.integers(0, 3, size=ROWS)
TARGET = FIGURES @ [1.0, -2.0, 0.5, 3.0] + 20
TEXTS = np.array(["good fine", "bad sad poor", "fine nice", "sad"] * (ROWS // 4), dtype=object)
SEVERAL_TARGETS = np.column_stack([LABELS, LABELS[::-1]])


def data_sets(name: str) -> Iterator[tuple[Any, Any]]:
    """What a class may be fitted on, one of which it takes; the last ones are the likeliest."""
    if name in ("DictVectorizer",):
        records = np.array([{"a": str(row[0]), "b": row[1]} for row in GRID], dtype=object)
        yield records, LABELS
    elif name == "FeatureHasher":
        yield np.array([{"a": row[0], "b": row[1]} for row in GRID], dtype=object), LABELS
    elif name in ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"):
        yield TEXTS, LABELS
    elif name in FOR_TARGETS:
        return  # for targets: models hold them, nobody serves them
    elif name == "IsotonicRegression":
        yield FIGURES[:, :1], TARGET
        yield GRID[:, :1], TARGET
    else:
        gaps = np.where(GENERATOR.random(GRID.shape) < 0.1, np.nan, GRID)
        if name in ("KNNImputer", "SimpleImputer", "MissingIndicator", "IterativeImputer"):
            yield np.where(np.isnan(gaps[:1]), 1.0, gaps), LABELS
            return
        regresses = is_regressor(made(name))
        for X in (FIGURES, np.abs(FIGURES), GRID, sparse.csr_matrix(GRID)):
            yield X, TARGET if regresses else LABELS
        several = SEVERAL_TARGETS if name != "ClassifierChain" else SEVERAL_TARGETS > 0
        yield FIGURES, FIGURES[:, :2] if regresses else several
        yield FIGURES, (LABELS > 0).astype(int)


def answers(model: Any, X: Any) -> Any:
    method = model.predict if hasattr(model, "predict") else model.transform
    return method(X)


def assert_alike(together: Any, apart: list[Any]) -> None:
    """Labels exactly; figures but for the last bits of their sums."""
    if sparse.issparse(together):
        together, apart = together.toarray(), [one.toarray() for one in apart]
    joined = np.concatenate([np.asarray(one) for one in apart])
    assert joined.shape == together.shape
    if together.dtype.kind == "f" and not (together == np.round(together)).all():
        np.testing.assert_allclose(joined, together, rtol=RELATIVE, atol=RELATIVE)
    else:
        np.testing.assert_array_equal(joined, together)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n, kind in ALL.items() if class_name(kind) in APART])
def test_what_is_on_the_list_answers_rows_apart(name: str) -> None:
    """Every class on the list, fitted on figures, on values full of ties, dense and sparse."""
    fitted = 0
    for X, y in data_sets(name):
        try:
            model = made(name).fit(X, y)
            together = answers(model, X)
        except (ValueError, TypeError, NotImplementedError, IndexError):
            continue  # not for such data
        fitted += 1
        if why_together(model) is not None:  # as neighbours found by brute force are
            continue
        apart = [answers(model, X[at : at + 1]) for at in range(X.shape[0])]
        assert_alike(together, apart)
    assert fitted or name in FOR_TARGETS, f"{name} could be fitted on nothing"


def test_every_class_is_on_one_of_the_lists() -> None:
    """A class that a later scikit-learn adds is looked at before it is put to the test."""
    present = {class_name(kind) for kind in ALL.values()}

    assert present - APART - MIXING.keys() == set()
    assert not APART & MIXING.keys()


def halves(X: Any) -> Any:
    return X / 2


def declared(X: Any) -> Any:
    return X / 2


declared.batchable = True  # type: ignore[attr-defined]


def words(text: str) -> list[str]:
    return text.split()


def transformed(function: Any, **arguments: Any) -> Any:
    transformer = preprocessing.FunctionTransformer(function, **arguments)
    return make_pipeline(transformer, linear_model.LogisticRegression()).fit(FIGURES, LABELS)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: transformed(np.log1p), None),
        (lambda: transformed(None), None),
        (lambda: transformed(expit), None),
        (lambda: transformed(np.clip, kw_args={"a_min": 0, "a_max": 1}), None),
        (lambda: transformed(declared), None),
        (lambda: transformed(halves), "halves, which may look at several rows"),
        (
            lambda: transformed(np.cumsum, kw_args={"axis": 0}),
            "numpy.cumsum, which may look at several rows",
        ),
        (lambda: transformed(np.add.accumulate), "may look at several rows"),
        (lambda: transformed(functools.partial(np.sort, axis=0)), "functools.partial, which may"),
        (lambda: TfidfVectorizer(tokenizer=words, token_pattern=None).fit(TEXTS), None),
        (lambda: MultiOutputClassifier(tree.DecisionTreeClassifier()), None),
        (lambda: KNeighborsClassifier(algorithm="brute").fit(FIGURES, LABELS), "settles ties"),
        (lambda: KNeighborsClassifier(algorithm="kd_tree").fit(FIGURES, LABELS), None),
        (object, "object is not known to treat rows apart"),
        (lambda: Odd(), "can't be looked through"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_the_reason_names_the_part(make: Callable[[], Any], reason: str | None) -> None:
    """The log says which part of a model keeps its requests apart."""
    found = why_together(make())

    assert found is None if reason is None else reason in (found or "")


class Odd:
    """Answers every question about itself with an error."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no questions")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("xgboost", "XGBClassifier"),
        ("lightgbm", "LGBMClassifier"),
        ("catboost", "CatBoostClassifier"),
    ],
)
def test_boosters_answer_rows_apart(module: str, name: str) -> None:
    """Exactly these classes, alone and behind a scaler."""
    kind = getattr(pytest.importorskip(module), name)
    silent = {"verbosity": -1} if module == "lightgbm" else {}
    silent = {"verbose": 0, "allow_writing_files": False} if module == "catboost" else silent
    own = type(name, (kind,), {"__module__": "inference"})
    model = kind(n_estimators=5, **silent)
    model.fit(FIGURES, LABELS)

    together = np.asarray(model.predict(FIGURES)).ravel()
    apart = np.ravel([model.predict(FIGURES[at : at + 1]) for at in range(ROWS)])

    assert together.tolist() == apart.tolist()
    assert why_together(model) is None
    assert why_together(own()) is not None
