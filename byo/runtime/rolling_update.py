"""Another container for a variant, without a request lost between the two.

As AWS replaces an instance: the new container is started and healthy first, then the traffic moves
to it, and the old one gets SIGTERM, and SIGKILL 30 s later.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from byo.command_errors import RunFailed, UsageError
from byo.runtime.configuration import VariantConfiguration
from byo.runtime.endpoint import Endpoint
from byo.runtime.invocations import RuntimeState
from byo.runtime.wire_errors import ValidationError
from contract.errors import ByoError

# What of a variant can be another one's from now on, by the names of its fields.
CHANGEABLE = {
    "model_data": str, "image": str, "url": str, "memory": int, "algorithm": Path, "weight": float,
}  # fmt: skip


async def update(state: RuntimeState, wanted: object) -> dict[str, Any]:
    """Give a variant another container.

    Args:
        state: of the Runtime.
        wanted: ``endpoint``, ``variant`` (where there are several), and what is to be another of
            `CHANGEABLE`; with nothing of that, the same is started anew.

    Returns:
        How it went: the seconds until the traffic had moved and the old container was gone, how
        many requests that one was at work on, and how many of them it did not answer.

    Raises:
        ValidationError: there is no such endpoint or variant, or the new container can't be
            started; the old one goes on then.
    """
    if not isinstance(wanted, dict) or not isinstance(wanted.get("endpoint"), str):
        raise ValidationError("An update is a JSON object that names its endpoint.")
    changes = {key: value for key, value in wanted.items() if key not in ("endpoint", "variant")}
    unknown = sorted(changes.keys() - CHANGEABLE.keys())
    if unknown:
        raise ValidationError(f"{unknown[0]} can't be changed: {', '.join(CHANGEABLE)} can.")
    endpoint = state.endpoint(wanted["endpoint"])
    variant = _variant_name(endpoint, wanted.get("variant"))
    return await _replaced(endpoint, variant, changes)


def _variant_name(endpoint: Endpoint, name: object) -> str:
    if name is None and len(endpoint.variants) == 1:
        return next(iter(endpoint.variants))
    if name not in endpoint.variants:
        raise ValidationError(
            f"Endpoint {endpoint.name} has the variants {', '.join(endpoint.variants)}: "
            f"{name or 'none'} is not one of them."
        )
    return str(name)


async def _replaced(
    endpoint: Endpoint, variant_name: str, changes: dict[str, Any]
) -> dict[str, Any]:
    variant = endpoint.variants[variant_name]
    began = time.monotonic()
    endpoint.updating = True
    try:
        configuration = changed(variant.configuration, changes)
        old = await variant.update(configuration)
    except ByoError as error:
        cause = error.cause if isinstance(error, RunFailed) else str(error)
        raise ValidationError(f"The old container goes on: {cause}") from None
    finally:
        endpoint.updating = False
    endpoint.weigh()
    endpoint.modified = time.time()
    return {
        "endpoint": endpoint.name,
        "variant": variant_name,
        "seconds": time.monotonic() - began,
        "under_way": old.moved if old else 0,
        "lost": old.lost if old else 0,
    }


def changed(configuration: VariantConfiguration, changes: dict[str, Any]) -> VariantConfiguration:
    """A variant's configuration with some of it another.

    Raises:
        UsageError: a value is of another kind than it must be, or they do not go together.
    """
    try:
        values = {name: CHANGEABLE[name](value) for name, value in changes.items()}
    except (TypeError, ValueError) as error:
        raise UsageError(f"a value is of the wrong kind: {error}") from None
    if "url" in values and "image" not in values:
        values["image"] = None
    if "image" in values and "url" not in values:
        values["url"] = None
    return replace(configuration, **values)
