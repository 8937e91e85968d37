"""What a model of an endpoint takes, as its ``signature.json`` says it, for a form."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from byo.runtime.instance import Instance
from byo.runtime.invocations import RuntimeState
from byo.runtime.model_places import MODELS, TREE
from byo.runtime.variant import Variant
from contract.columns import Column
from contract.errors import SignatureError
from contract.signature import load_signature


def signature_of(
    state: RuntimeState, endpoint: str, variant: str | None, target_model: str | None
) -> dict[str, Any] | None:
    """The columns of a model and the classes that it chooses from, as JSON's types.

    Args:
        state: of the Runtime.
        endpoint: its name.
        variant: its name; empty or None for the first one.
        target_model: of many models the one; it is known once it was loaded.

    Returns:
        None where nothing is known of it.
    """
    found = state.endpoints.get(endpoint)
    variants = found.variants if found else {}
    chosen = variants.get(variant) if variant else next(iter(variants.values()), None)
    folder = _model_folder(chosen, target_model) if chosen else None
    if folder is None:
        return None
    try:
        signature = load_signature(folder)
    except SignatureError:
        return None
    if signature is None or not signature.inputs:
        return None
    example = signature.example or (None,) * len(signature.inputs)
    columns = [_column(*pair) for pair in zip(signature.inputs, example, strict=True)]
    return {"columns": columns, "classes": [_plain(label) for label in signature.classes]}


def _model_folder(variant: Variant, target_model: str | None) -> Path | None:
    """Where the model's files lie on this machine, as far as that is known."""
    instance = variant.instance
    if variant.configuration.described_by is not None:
        return variant.configuration.described_by
    if instance is None:
        return None
    tree = instance.folder / TREE
    if instance.cache is None:
        return tree / "model"
    name = _name_of(instance, target_model)
    return tree / MODELS / name / "model" if name else None


def _name_of(instance: Instance, target_model: str | None) -> str | None:
    models = instance.cache.snapshot() if instance.cache else []
    return next((each.name for each in models if each.target_model == target_model), None)


def _column(column: Column, example: Any) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "choices": [_plain(each) for each in column.categories] if column.categories else None,
        "example": _plain(example),
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; what it has no form for as text, what is missing as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
