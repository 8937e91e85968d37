"""Another container for a variant, without a request lost between the two.

As AWS replaces an instance: the new container is started and healthy first, then the traffic moves
to it, and the old one gets SIGTERM, and SIGKILL 30 s later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from byo.command_errors import RunFailed, UsageError
from byo.runtime.configuration import VariantConfiguration
from byo.runtime.endpoint import Endpoint
from byo.runtime.instance import Instance
from byo.runtime.invocations import RuntimeState
from byo.runtime.variant import Variant
from byo.runtime.wire_errors import ValidationError
from contract.errors import ByoError


def _texts(value: Any) -> dict[str, str]:
    return {str(name): str(one) for name, one in dict(value).items()}


# What of a variant can be another one's from now on, by the names of its fields.
CHANGEABLE: dict[str, Callable[[Any], Any]] = {
    "model_data": str, "multi_model": bool, "caching": bool, "image": str, "url": str,
    "environment": _texts, "memory": int, "algorithm": Path, "weight": float,
    "startup_seconds": float,
}  # fmt: skip
# Those that a variant can do without.
OPTIONAL = ("model_data", "image", "url", "memory", "algorithm")
# What an update says beside them.
ABOUT = ("endpoint", "variant", "keep_equal", "asynchronous")
# A server that runs already has its image and, where it is one, its model.
INSTEAD = (("url", "image"), ("image", "url"), ("url", "model_data"), ("model_data", "url"))


async def update(state: RuntimeState, wanted: object) -> dict[str, Any]:
    """Give a variant another container.

    Args:
        state: of the Runtime.
        wanted: ``endpoint``, ``variant`` (where there are several), and what is to be another of
            `CHANGEABLE`; with nothing of that, the same is started anew, and with a weight alone
            no container is. With ``keep_equal`` none is either where all of it is as before.

    Returns:
        How it went: the seconds until the traffic had moved and the old container was gone,
        whether it is, whether anything has changed, how many requests it was at work on, and
        how many it did not answer.

    Raises:
        ValidationError: there is no such endpoint or variant, or the new container can't be
            started; the old one goes on then.
    """
    if not isinstance(wanted, dict) or not isinstance(wanted.get("endpoint"), str):
        raise ValidationError("An update is a JSON object that names its endpoint.")
    changes = {key: value for key, value in wanted.items() if key not in ABOUT}
    unknown = sorted(changes.keys() - CHANGEABLE.keys())
    if unknown:
        raise ValidationError(f"{unknown[0]} can't be changed: {', '.join(CHANGEABLE)} can.")
    endpoint = state.endpoint(wanted["endpoint"])
    _require_as_asynchronous(endpoint, wanted)
    variant = endpoint.variants[_variant_name(endpoint, wanted.get("variant"))]
    before, began = variant.configuration, time.monotonic()
    endpoint.updating = True
    try:
        old = await _change(endpoint, variant, changes, wanted.get("keep_equal") is True)
    except ByoError as error:
        cause = error.cause if isinstance(error, RunFailed) else str(error)
        raise ValidationError(f"All stays as it was: {cause}") from None
    finally:
        endpoint.updating = False
    endpoint.weigh()
    endpoint.modified = time.time()
    return {
        "endpoint": endpoint.name,
        "variant": variant.name,
        "seconds": time.monotonic() - began,
        "replaced": old is not None,
        "changed": old is not None or variant.configuration != before,
        "under_way": old.moved if old else 0,
        "lost": old.lost if old else 0,
    }


def _require_as_asynchronous(endpoint: Endpoint, wanted: dict[str, Any]) -> None:
    """Refuse another ``AsyncInferenceConfig``: what waits for its place would be lost."""
    now = asdict(endpoint.asynchronous) if endpoint.asynchronous else None
    if wanted.get("asynchronous", now) != now:
        raise ValidationError(
            f"AsyncInferenceConfig of endpoint {endpoint.name} can't be changed while it runs: "
            "start `byo endpoint up` anew."
        )


def _variant_name(endpoint: Endpoint, name: object) -> str:
    if name is None and len(endpoint.variants) == 1:
        return next(iter(endpoint.variants))
    if name not in endpoint.variants:
        raise ValidationError(
            f"Endpoint {endpoint.name} has the variants {', '.join(endpoint.variants)}: "
            f"{name or 'none'} is not one of them."
        )
    return str(name)


async def _change(
    endpoint: Endpoint, variant: Variant, changes: dict[str, Any], keep_equal: bool
) -> Instance | None:
    """Do it; the old container, stopped, where there was one to replace."""
    configuration = changed(variant.configuration, changes)
    others = [each.weight for each in endpoint.variants.values() if each is not variant]
    if not sum(others, configuration.weight):
        raise UsageError("the weights of the variants would all be 0")
    same = replace(configuration, weight=variant.configuration.weight) == variant.configuration
    if (keep_equal and same) or changes.keys() == {"weight"}:
        variant.configuration, variant.weight = configuration, configuration.weight
        return None
    return await variant.update(configuration)


def changed(configuration: VariantConfiguration, changes: dict[str, Any]) -> VariantConfiguration:
    """A variant's configuration with some of it another; what that takes the place of goes.

    Raises:
        UsageError: a value is of another kind than it must be, or they do not go together.
    """
    try:
        values: dict[str, Any] = {
            name: None if value is None and name in OPTIONAL else CHANGEABLE[name](value)
            for name, value in changes.items()
        }
    except (TypeError, ValueError) as error:
        raise UsageError(f"a value is of the wrong kind: {error}") from None
    one_model = not values.get("multi_model", configuration.multi_model)
    for given, instead in INSTEAD:
        if values.get(given) and (one_model or "model_data" not in (given, instead)):
            values.setdefault(instead, None)
    return replace(configuration, **values)
