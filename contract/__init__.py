"""What training writes and serving reads: the lowest floor, which imports no other."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contract.paths import Paths
    from contract.signature import Signature, load_signature, save_signature

__all__ = ["Paths", "Signature", "load_signature", "save_signature"]

# Imported when they are asked for: numpy, which signatures need, is most of what it takes to start
# a command or a server's first process, neither of which computes anything.
_MODULES = {"Paths": "contract.paths"} | dict.fromkeys(__all__[1:], "contract.signature")


if not TYPE_CHECKING:  # a checker would take any name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULES[name]), name)
