"""Which values never appear in a message or a log, told by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SECRET_WORDS = ("password", "passwd", "token", "secret", "key", "credential")
MASK = "***"


def is_secret(name: str) -> bool:
    """Whether a name says that its value is a secret; ``keyword`` does so needlessly."""
    lowered = name.lower()
    return any(word in lowered for word in SECRET_WORDS)


def masked(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A copy, safe to show, with ``***`` in place of each secret, at any depth of mappings."""
    return {name: MASK if is_secret(str(name)) else _shown(v) for name, v in mapping.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked(value)
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value
