"""Predictions as CSV: one line each, floats so that they read back as they were."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from contract.signature import Signature
from handler.codecs.predictions import cells, to_table

# So many numbers are worth a look at whether all are digits.
MANY = 100
_DIGITS = np.array([b"%d\n" % digit for digit in range(10)])


def write_csv(prediction: Any, signature: Signature | None, *, header: bool) -> str:
    """The text of a prediction, its lines ended by a line feed.

    Raises:
        NotAcceptable: the prediction is no table of single values.
    """
    table = to_table(prediction, signature)
    rows: list[Any] = [table.names] if header else []
    rows.extend(zip(*map(cells, table.columns), strict=True))
    text = _write(rows, csv.QUOTE_MINIMAL)
    # Before Python 3.13 a carriage return alone does not make the module quote a cell.
    return _write(rows, csv.QUOTE_ALL) if "\r" in text else text


def write_numbers(prediction: Any) -> bytes | None:
    """The lines of one column of whole numbers, as `write_csv` gives them; None for all else."""
    if (
        isinstance(prediction, np.ndarray)
        and prediction.ndim == 1
        and prediction.dtype.kind in "iu"
    ):
        if len(prediction) >= MANY and prediction.min() >= 0 and prediction.max() <= 9:
            return _DIGITS[prediction].tobytes()  # classes, most often: a digit and its line's end
        return b"".join(b"%d\n" % value for value in prediction.tolist())
    return None


def _write(rows: list[Any], quoting: Any) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n", quoting=quoting).writerows(rows)
    return stream.getvalue()
