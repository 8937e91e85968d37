"""Keep some rows of a job's data back, so that the model can be asked about rows it never saw."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from byo.command_errors import UsageError
from contract.paths import Paths

SHARE = 0.2
SEED = 0
FEWEST_ROWS = 10
PREFERRED_CHANNELS = ("training", "train")
MISSING = ["", "NA", "NaN", "nan", "NULL", "null"]


@dataclass(frozen=True)
class Holdout:
    """The rows kept back.

    Args:
        rows: a pyarrow table, the target among its columns.
        trained: how many rows were left to train on.
    """

    rows: Any
    trained: int

    def separate(self, target: str, names: tuple[str, ...] | None) -> tuple[Any, list[Any]]:
        """The features as a table, and the target's values; rows without a target are left out.

        Args:
            target: the target's column.
            names: the features that the model takes; None for all but the target.

        Raises:
            UsageError: the data has no such column.
        """
        wanted = names or tuple(name for name in self.rows.column_names if name != target)
        absent = [name for name in (target, *wanted) if name not in self.rows.column_names]
        if absent:
            raise UsageError(f"the training data has no column {absent[0]!r}, which the model has")
        known = self.rows.filter(self.rows[target].is_valid())
        return known.select(wanted), known[target].to_pylist()


def hold_out(paths: Paths) -> Holdout:
    """Take a share of the rows out of a job's training data.

    The choice is the same each time. The rows that stay are written as they were, to the letter.

    Args:
        paths: a tree that may be changed.

    Raises:
        UsageError: there is no CSV file with a header line and enough rows.
    """
    file = _training_file(paths)
    with file.open(newline="", encoding="utf-8-sig") as text:
        header, *records = [record for record in csv.reader(text) if record] or [[]]
    table = _read_table(file)
    if len(records) != table.num_rows or len(records) < FEWEST_ROWS:
        raise UsageError(f"{file.name} needs a header line and at least {FEWEST_ROWS} rows")
    order = random.Random(SEED).sample(range(len(records)), len(records))  # noqa: S311
    kept_back = sorted(order[: round(SHARE * len(records))])
    trained = sorted(set(order) - set(kept_back))
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([header, *(records[index] for index in trained)])
    return Holdout(table.take(kept_back), len(trained))


def _training_file(paths: Paths) -> Path:
    """The first CSV file of the channel named training or train, else of any."""
    channels = sorted(entry.name for entry in paths.input_data.iterdir() if entry.is_dir())
    channels.sort(key=lambda name: name not in PREFERRED_CHANNELS)
    for name in channels:
        files = sorted(paths.channel(name).glob("*.csv"))
        if files:
            return files[0]
    raise UsageError(f"{paths.input_data} holds no .csv file to keep rows back from")


def _read_table(file: Path) -> Any:
    options = arrow_csv.ConvertOptions(strings_can_be_null=True, null_values=MISSING)
    try:
        return arrow_csv.read_csv(file, convert_options=options)
    except pa.ArrowInvalid as error:
        raise UsageError(f"{file.name} can't be read as CSV: {error}") from None
