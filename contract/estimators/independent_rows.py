"""Whether a fitted model answers each row by itself, whatever rows stand beside it.

Only then may rows of several requests be put to it at once: a min-max over the rows at hand would
let one caller's answer depend on another's values. It is found by looking at everything that the
model holds. All of it must be known: estimators on a list of scikit-learn's own, functions that
compute each number by itself, plain values. What nobody has looked at counts as not known, unless
it says ``batchable = True``.
"""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from contract.estimators.class_names import class_name, library_of
from contract.estimators.independent_rows_classes import APART, BOOSTERS, MIXING, TIES

# What is used while fitting only, so that it may be anything.
FIT_ONLY = frozenset(
    {
        "callbacks", "covariance_estimator", "cv", "cv_results_", "feature_names_out",
        "importance_getter", "init", "is_data_valid", "is_model_valid", "memory",
        "param_distributions", "param_grid", "random_state", "refit", "score_func", "scorer_",
        "scorers_", "scoring", "verbose",
    }
)  # fmt: skip
# What is called with one text, or with two rows to tell their distance, by its very purpose.
CALLED_BY_ROW = frozenset({"analyzer", "metric", "preprocessor", "tokenizer", "effective_metric_"})
# Functions of numpy, beside its ufuncs, that compute each number by itself.
ELEMENTWISE = frozenset({"around", "clip", "nan_to_num", "round"})
_SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
_DATA_LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow")
_PLAIN = (str, bytes, bool, int, float, complex, type(None), np.generic, np.dtype, range, slice)
_CONTAINERS = {
    list, tuple, set, frozenset, dict, defaultdict, OrderedDict, np.ndarray, functools.partial,
}  # fmt: skip
# A model that holds more things than this is not looked through to its end.
MOST_THINGS = 1_000_000


class Mixes(Exception):
    """Something in a model is not known to treat rows apart; the message says what and why."""


def why_together(model: object) -> str | None:
    """Why rows of several requests must not be put to a model at once; None where they may."""
    try:
        _look_through(model)
    except Mixes as reason:
        return str(reason)
    except Exception as error:  # whatever a class of anybody's does when it is looked at
        return f"it can't be looked through ({type(error).__name__}: {error})"
    return None


def says_batchable(thing: object) -> bool:
    """Whether a class, an instance or a function of a user's says that rows are apart for it."""
    try:
        return getattr(thing, "batchable", False) is True
    except Exception:
        return False


def _look_through(model: object) -> None:
    seen: set[int] = set()
    # The names on the way to each thing, and the thing.
    waiting: list[tuple[tuple[str, ...], Any]] = [((), model)]
    while waiting:
        place, thing = waiting.pop()
        if isinstance(thing, _PLAIN) or id(thing) in seen:
            continue
        seen.add(id(thing))
        if len(seen) > MOST_THINGS:
            raise Mixes("it holds too many things to look through")
        waiting.extend(_parts_of(thing, place))


def _parts_of(thing: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is to be looked at inside a thing.

    Raises:
        Mixes: the thing itself is not known.
    """
    kind = type(thing)
    if kind in _CONTAINERS:
        yield from _contained(thing, place)
    elif isinstance(thing, np.ufunc | type) or says_batchable(thing):
        return
    elif library_of(kind) == "sklearn":
        yield from _parts_of_sklearns(thing, place)
    elif class_name(kind) in BOOSTERS:
        return
    elif callable(thing) and not hasattr(kind, "fit"):
        _check_function(thing, place)
    elif library_of(kind) not in _DATA_LIBRARIES:
        raise Mixes(f"{_described(thing, place)} is not known to treat rows apart")


def _contained(thing: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(thing, dict):
        yield from ((_below(place, key), value) for key, value in thing.items())
    elif isinstance(thing, functools.partial):
        yield from _members([thing.func, *thing.args, *thing.keywords.values()], place)
    elif not isinstance(thing, np.ndarray):
        yield from _members(thing, place)
    elif thing.dtype == object:
        yield from _members(thing.ravel().tolist(), place)


def _parts_of_sklearns(thing: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    kind = type(thing)
    name = class_name(kind)
    if hasattr(kind, "fit") and not kind.__qualname__.startswith("_"):
        if name not in APART:
            why = MIXING.get(name, "is not known to treat rows apart")
            raise Mixes(f"{_described(thing, place)} {why}")
        if check := _CHECKS.get(name):
            check(thing, place)
    if kind.__qualname__ in _SEARCHES:
        yield _below(place, "best_estimator_"), thing.best_estimator_
    else:
        yield from _attributes(thing, place)
    if isinstance(thing, dict):  # scikit-learn's Bunch
        yield from _contained(thing, place)


def _attributes(thing: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in list(getattr(thing, "__dict__", {}).items()):
        if name not in FIT_ONLY:
            yield _below(place, name), value


def _members(things: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    named = len(things) > 1 and isinstance(things, tuple) and isinstance(things[0], str)
    inside = _below(place, things[0]) if named else place
    yield from ((inside, thing) for thing in things if not isinstance(thing, _PLAIN))


def _below(place: tuple[str, ...], name: object) -> tuple[str, ...]:
    return (*place, str(name))


def _check_function(function: Any, place: tuple[str, ...]) -> None:
    """A function that is no estimator: a library's own, or one called row by row.

    Raises:
        Mixes: it may look at several rows.
    """
    module = str(getattr(function, "__module__", None) or "")
    own = module.partition(".")[0] in ("sklearn", *_DATA_LIBRARIES)
    if not own and not CALLED_BY_ROW.intersection(place[-1:]):
        raise Mixes(f"{_described(function, place)} may look at several rows at once")


def _check_dummy(dummy: Any, place: tuple[str, ...]) -> None:
    if dummy.strategy in ("stratified", "uniform"):
        raise Mixes(f"{_described(dummy, place)} draws its answers by chance")


def _check_function_transformer(transformer: Any, place: tuple[str, ...]) -> None:
    for function in (transformer.func, transformer.inverse_func):
        if not _is_elementwise(function):
            raise Mixes(
                f"{_described(transformer, place)} calls {_name_of(function)}, which may look "
                "at several rows at once"
            )
    for arguments in (transformer.kw_args, transformer.inv_kw_args):
        if not all(isinstance(value, _PLAIN) for value in (arguments or {}).values()):
            raise Mixes(f"{_described(transformer, place)} is given arguments that are not plain")


def _is_elementwise(function: Any) -> bool:
    if isinstance(function, functools.partial):
        plain = all(
            isinstance(v, (*_PLAIN, type)) for v in (*function.args, *function.keywords.values())
        )
        return plain and _is_elementwise(function.func)
    if function is None or isinstance(function, np.ufunc) or says_batchable(function):
        return True
    module, name = str(getattr(function, "__module__", "")), getattr(function, "__name__", "")
    if module.partition(".")[0] == "sklearn":
        return name == "check_array"  # scikit-learn's own use of it
    return name in ELEMENTWISE and function is getattr(np, name)


def _check_neighbours(model: Any, place: tuple[str, ...]) -> None:
    if getattr(model, "_fit_method", None) == "brute":
        raise Mixes(f"{_described(model, place)} {TIES}")
    if callable(getattr(model, "weights", None)):
        raise Mixes(f"{_described(model, place)} weighs neighbours by a function of its own")


_CHECKS: Mapping[str, Callable[[Any, tuple[str, ...]], None]] = {
    "sklearn.dummy.DummyClassifier": _check_dummy,
    "sklearn.preprocessing.FunctionTransformer": _check_function_transformer,
    **{
        f"sklearn.neighbors.{name}": _check_neighbours
        for name in (
            "KNeighborsClassifier", "KNeighborsRegressor", "NearestNeighbors",
            "RadiusNeighborsClassifier", "RadiusNeighborsRegressor",
        )
    },
}  # fmt: skip


def _described(thing: Any, place: tuple[str, ...]) -> str:
    where = f"{'.'.join(place)}: " if place else ""
    what = _name_of(thing) if callable(thing) and hasattr(thing, "__name__") else None
    return f"{where}{what or class_name(type(thing))}"


def _name_of(function: Any) -> str:
    if not hasattr(function, "__qualname__"):
        return class_name(type(function))
    return f"{getattr(function, '__module__', '')}.{function.__qualname__}"
