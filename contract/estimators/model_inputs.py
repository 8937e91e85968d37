"""What a fitted model takes: the one description of it, from the model and from signature.json.

A model was fitted on one of

- an array or a table of columns, which it may know by name;
- texts, one to a row, where a vectorizer is the first to see them;
- records of named values, or lists of words, where a DictVectorizer or a FeatureHasher is;
- columns of a booster of xgboost, lightgbm or catboost, some of them categories;
- something of which it holds no trace: an open model.

**Enforced** is what would fail in the model itself, and what the signature says of values. **Only
believed**, which is used to read a request and never to refuse one, is what a class of anybody's
notes about itself, and the columns of a signature where such a class is the first to see them: it
may need fewer. What nobody knows is handed on as it came. Nothing odd in a model's attributes can
raise.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any, Literal

from contract.columns import Column, plain_labels
from contract.estimators.attributes import attribute, names_in, width_of
from contract.estimators.boosters import booster_input
from contract.estimators.class_names import class_name
from contract.estimators.column_uses import ColumnUses
from contract.estimators.first_pipeline_steps import first_parts, is_known
from contract.signature import Signature

logger = logging.getLogger(__name__)

Kind = Literal["table", "array", "texts", "records", "lists", "booster", "open", "unknown"]


@dataclass(frozen=True)
class ModelInput:
    """What a model takes, as far as it shows.

    Args:
        kind: which kind of input it is; ``open`` for a model that holds no trace of it,
            ``unknown`` for what is no model with predict or transform.
        signature: the columns; None if nothing is known of them.
        lacking: what it would need to be served, and does not hold; empty if nothing.
    """

    kind: Kind
    signature: Signature | None = None
    lacking: str = ""


def describe(model: Any) -> ModelInput:
    """What a fitted model takes; never raises."""
    try:
        return _described(model)
    except Exception as error:
        logger.warning(
            "what a model of type %s takes can't be found out (%s: %s): nothing is assumed",
            type(model).__qualname__,
            type(error).__name__,
            error,
        )
        return ModelInput("unknown")


def completed(saved: Signature | None, model: Any, found: ModelInput) -> Signature | None:
    """What is known of a model's input: what its signature.json says, and what it shows itself.

    Args:
        saved: the signature of the file; None where there is none.
        model: the model.
        found: what it shows itself.
    """
    if saved is None or not saved.describes_inputs:
        return _with_outputs(found.signature, saved)
    by_itself = found.signature
    if found.kind in ("unknown", "records", "lists") or saved.container == "vector":
        return saved
    if by_itself is None or by_itself.believed or found.kind == "open":
        return replace(saved, further="pass", believed=True)
    if len(by_itself.inputs) != len(saved.inputs):
        return saved
    inputs = tuple(
        replace(column, unused=own.unused, may_be_missing=own.may_be_missing, texts=own.texts)
        for column, own in zip(saved.inputs, by_itself.inputs, strict=True)
    )
    return replace(saved, inputs=inputs, further=by_itself.further)


def _with_outputs(found: Signature | None, saved: Signature | None) -> Signature | None:
    if saved is None:
        return found
    if found is None:
        return saved
    return replace(
        saved,
        inputs=found.inputs,
        container=found.container,
        further=found.further,
        believed=found.believed,
    )


def _described(model: Any) -> ModelInput:
    classes = plain_labels(attribute(model, "classes_"))
    firsts = list(first_parts(model))
    if kind := _kind_of_words(firsts):
        return ModelInput(kind, Signature((), kind, classes=classes))
    if booster := _only_booster(firsts):
        container: Any = "table" if booster.named else "array"
        signature = Signature(booster.columns, container, classes=classes)
        return ModelInput("booster", signature, booster.lacking)
    names, width = names_in(model), width_of(model)
    if names is None and width is None and len(firsts) == 1:
        names, width = names_in(firsts[0]), width_of(firsts[0])
    if names is not None or width is not None:
        return _of_columns(model, firsts, names, width or 0, classes)
    if firsts and all(_takes_texts(first) for first in firsts):
        signature = Signature((Column(None, "string"),), "vector", classes=classes)
        return ModelInput("texts", signature)
    answers = any(hasattr(type(model), name) for name in ("predict", "transform"))
    return ModelInput("open" if answers else "unknown")


def _of_columns(
    model: Any, firsts: list[Any], names: tuple[str, ...] | None, width: int, classes: Any
) -> ModelInput:
    uses = ColumnUses.of_model(model, names or (None,) * width)
    chooses = names is not None and uses.only_chosen
    columns = uses.columns()
    if not chooses:
        columns = tuple(replace(column, unused=False) for column in columns)
    believed = not all(map(is_known, firsts))
    further: Any = "drop" if chooses else "pass" if believed else "refuse"
    container: Any = "array" if names is None else "table"
    signature = Signature(columns, container, classes=classes, further=further, believed=believed)
    return ModelInput(container, signature)


def _kind_of_words(firsts: list[Any]) -> Literal["records", "lists"] | None:
    """Whether all that sees the data first takes records, or lists of words."""
    kinds = set()
    for first in firsts:
        name = class_name(type(first)).removeprefix("sklearn.feature_extraction.")
        if name == "FeatureHasher":
            given = attribute(first, "input_type")
            kinds.add("records" if given == "dict" else "lists")
        else:
            kinds.add("records" if name == "DictVectorizer" else "")
    return kinds.pop() if len(kinds) == 1 and kinds <= {"records", "lists"} else None  # type: ignore[return-value]


def _only_booster(firsts: list[Any]) -> Any:
    found = [booster_input(first) for first in firsts]
    if not found or any(each is None for each in found):
        return None
    return found[0] if len({each.columns for each in found if each}) == 1 else None


def _takes_texts(first: Any) -> bool:
    return callable(attribute(type(first), "build_analyzer"))
