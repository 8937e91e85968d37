"""What user code measures by `context.metrics`, as multi-model-server's own API gives it.

A name becomes one that Prometheus takes, and what is measured in a unit is told in the base unit:
milliseconds as seconds, megabytes as bytes. A counter is added up; of all else the number of times
and the sum are kept, which make a mean.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable
from typing import Any

from handler.metrics.layout import LEFT_OUT_AT, LONGEST_USER_NAME, UserCells
from handler.metrics.model_record import ModelRecord

logger = logging.getLogger(__name__)

COUNTER_ENDING = "_total"
# What multi-model-server calls a unit: the ending of the name, and what a value is multiplied by.
_UNITS = {
    "Milliseconds": ("_seconds", 0.001),
    "Seconds": ("_seconds", 1.0),
    "Bytes": ("_bytes", 1.0),
    "Kilobytes": ("_bytes", 1e3),
    "Megabytes": ("_bytes", 1e6),
    "Gigabytes": ("_bytes", 1e9),
    "Percent": ("_percent", 1.0),
}
_NO_UNIT = ("", 1.0)
_NOT_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_]+")


class UserFigures:
    """What user code measures of one model in this process.

    Args:
        record: where it is counted.
    """

    def __init__(self, record: ModelRecord) -> None:
        self._record = record
        self._places: dict[str, UserCells] = {}
        self._is_full = False

    def note(self, measured: Iterable[Any]) -> None:
        """Count what user code has measured in one invocation: metrics of multi-model-server's."""
        for one in measured:
            self._note(one)

    def _note(self, one: Any) -> None:
        is_counter = one.metric_method == "counter"
        ending, factor = _UNITS.get(str(one.unit), _NO_UNIT)
        value = _number(one.value)
        cells = self._place(_valid(str(one.name), COUNTER_ENDING if is_counter else ending))
        if value is None or cells is None or (is_counter and value < 0):
            self._record.count(LEFT_OUT_AT)
            return
        cells.times += 1.0
        cells.sum += value * factor

    def _place(self, name: str) -> UserCells | None:
        """The cells of a name; None where there are too many names."""
        cells = self._places.get(name)
        if cells is None and not self._is_full:
            cells = self._free_place(name)
        return cells

    def _free_place(self, name: str) -> UserCells | None:
        users = self._record.fields.users
        for cells in users:
            # A record goes on where the model is loaded again in the same process.
            if cells.name in (b"", name.encode()):
                cells.name = name.encode()
                self._places[name] = cells
                return cells
        self._is_full = True
        logger.warning(
            "context.metrics has more than %d names: %s and others are missing in /metrics",
            len(users),
            name,
        )
        return None


def _valid(name: str, ending: str) -> str:
    """A name as Prometheus takes it, with the ending that says its unit."""
    valid = _NOT_OF_A_NAME.sub("_", name).strip("_")
    for said in (ending, COUNTER_ENDING):
        valid = valid.removesuffix(said)
    valid = valid or "unnamed"
    return valid[: LONGEST_USER_NAME - 1 - len(ending)] + ending


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
