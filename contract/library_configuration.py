"""scikit-learn's global configuration, as far as training changed it.

``sklearn.set_config(transform_output="pandas")`` in a training script belongs to the model as much
as its parameters do, but no pickle holds it. It is kept in the signature, and set again where the
model is loaded.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

# How things look on a screen, and how much memory a computation may take where it runs.
OF_THE_PLACE = frozenset({"display", "print_changed_only", "working_memory"})


def changed_configuration() -> dict[str, Any]:
    """The settings that differ from scikit-learn's own, by name; empty where it is not imported."""
    sklearn = sys.modules.get("sklearn")
    if sklearn is None or not hasattr(sklearn, "get_config"):
        return {}
    defaults: dict[str, Any] = {}
    # A new thread has them, whatever was set in this one.
    asking = threading.Thread(target=lambda: defaults.update(sklearn.get_config()))
    asking.start()
    asking.join()
    return {
        name: value
        for name, value in sklearn.get_config().items()
        if name not in OF_THE_PLACE and defaults.get(name) != value and _is_plain(value)
    }


def checked_configuration(given: object) -> Mapping[str, Any]:
    """What a signature holds of it.

    Raises:
        ValueError: it is no object.
    """
    if not isinstance(given, dict):
        raise ValueError(f"{given!r} is no configuration")
    return dict(given)


def _is_plain(value: Any) -> bool:
    """Whether JSON can hold a value."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False
