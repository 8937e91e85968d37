"""The form of the container's log: text for a reader, or JSON, an object in each line.

``BYO_LOG_FORMAT`` is ``text``, ``json``, or ``auto``, which is text on a terminal and JSON
elsewhere. The image sets ``auto``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

VARIABLE = "BYO_LOG_FORMAT"
FORMATS = ("text", "json", "auto")


def settle(environ: MutableMapping[str, str]) -> bool:
    """Have every process that is started with this environment use one form; whether it is JSON.

    What is none of the three is left for the settings to refuse, in the form of ``auto``.
    """
    asked = environ.get(VARIABLE, "").strip().lower() or FORMATS[0]
    if asked == "text":
        return False
    if asked != "json" and _is_terminal(1):
        return False
    if asked in FORMATS:
        environ[VARIABLE] = "json"
    return True


def is_json(environ: Mapping[str, str]) -> bool:
    """Whether a process logs JSON whose environment is settled."""
    return environ.get(VARIABLE, "").strip().lower() not in ("", "text", "auto")


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
