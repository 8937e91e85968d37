"""What boosters of xgboost, lightgbm and catboost say of the columns that they were fitted on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contract.columns import Column
from contract.estimators.attributes import attribute, names_in, width_of
from contract.estimators.class_names import library_of


@dataclass(frozen=True)
class BoosterInput:
    """What a booster takes.

    Args:
        columns: its columns.
        named: whether it knows them by name.
        lacking: what it would need to be served, and does not hold; empty if nothing.
    """

    columns: tuple[Column, ...]
    named: bool
    lacking: str = ""


def booster_input(model: Any) -> BoosterInput | None:
    """What a booster takes; None for what is none, or says nothing."""
    read = _READERS.get(library_of(type(model)))
    return read(model) if read else None


def _of_xgboost(model: Any) -> BoosterInput | None:
    booster = _called(model, "get_booster") or model
    width = _called(booster, "num_features") or width_of(model)
    if not isinstance(width, int) or width <= 0:
        return None
    names = names_in(booster, "feature_names")
    categories: dict[int, Sequence[Any] | None] = {}
    types = attribute(booster, "feature_types") or []
    if "c" in types:
        known = _xgboost_categories(booster)
        categories = {at: known.get(at) for at, kind in enumerate(types) if kind == "c"}
    return _described(names, width, categories, nameless=names is None)


def _xgboost_categories(booster: Any) -> dict[int, list[Any]]:
    """The categories that newer versions keep with a model, by the column's position."""
    try:
        found = booster.get_categories(export_to_arrow=True).to_arrow()
        return {at: each.to_pylist() for at, (_, each) in enumerate(found) if each is not None}
    except Exception:  # an older version, or a model saved by one
        return {}


def _of_lightgbm(model: Any) -> BoosterInput | None:
    booster = attribute(model, "booster_") or model
    names = _called(booster, "feature_name")
    if not isinstance(names, list) or not names:
        return None
    lists = attribute(booster, "pandas_categorical") or []
    places = _lightgbm_categorical(booster)
    known = dict(zip(places, lists, strict=False)) if len(places) == len(lists) else {}
    nameless = are_made_up(names)
    if lists and not known:  # which columns they are of is not known
        return BoosterInput(
            tuple(Column(name) for name in names),
            not nameless,
            "it was fitted on columns of the type category, and does not say which",
        )
    return _described(tuple(names), len(names), known, nameless=nameless)


def _lightgbm_categorical(booster: Any) -> list[int]:
    """The positions of the columns with categories, as the model's text has them."""
    text = _called(booster, "model_to_string")
    found = re.search(r"^\[categorical_feature: ([\d,]+)\]$", str(text), re.MULTILINE)
    return [int(each) for each in found[1].split(",")] if found else []


def _of_catboost(model: Any) -> BoosterInput | None:
    names = names_in(model, "feature_names_")
    if names is None:
        return None
    texts: set[int] = set()
    for which in ("get_cat_feature_indices", "get_text_feature_indices"):
        texts.update(_called(model, which) or [])
    nameless = are_made_up(names)
    # A category is gone by as its text is: 3 and "3" are one.
    columns = tuple(
        Column(None if nameless else name, "string", "object", believed=True)
        if at in texts
        else Column(None if nameless else name)
        for at, name in enumerate(names)
    )
    return BoosterInput(columns, not nameless)


def are_made_up(names: Sequence[str]) -> bool:
    """Whether names only number columns that had none; 2019 and 2020 are names."""
    return any(
        list(names) == [f"{before}{at}" for at in range(len(names))] for before in ("", "Column_")
    )


def without_blanks(name: str) -> str:
    """A name as lightgbm writes it."""
    return re.sub(r"\s", "_", name)


def _described(
    names: Sequence[str] | None,
    width: int,
    categories: dict[int, Sequence[Any] | None],
    *,
    nameless: bool,
) -> BoosterInput:
    columns = []
    for at in range(width):
        name = names[at] if names and not nameless else None
        known = categories.get(at)
        columns.append(_of_categories(name, known) if known else Column(name))
    lacking = [at for at, known in categories.items() if known is None]
    if lacking:
        what = ", ".join(names[at] if names else str(at + 1) for at in lacking[:5])
        return BoosterInput(
            tuple(columns),
            not nameless,
            f"it was fitted on columns of the type category ({what}) and does not hold their "
            "categories",
        )
    return BoosterInput(tuple(columns), not nameless)


def _of_categories(name: str | None, values: Sequence[Any]) -> Column:
    kinds = {type(value) for value in values}
    categories = tuple(values)
    if kinds == {str}:
        return Column(name, "string", "category", categories)
    if kinds == {int}:
        return Column(name, "integer", "category", categories, categories_dtype="int64")
    if kinds == {float}:
        return Column(name, "number", "category", categories, categories_dtype="float64")
    return Column(name, "any", "category", categories)


def _called(thing: Any, name: str) -> Any:
    """What a method gives; None where there is none, or it fails."""
    method = attribute(thing, name)
    try:
        return method() if callable(method) else None
    except Exception:
        return None


_READERS = {"xgboost": _of_xgboost, "lightgbm": _of_lightgbm, "catboost": _of_catboost}
