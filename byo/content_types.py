"""The content types that files and answers come in, by ending; and how many rows they hold."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from byo.command_errors import UsageError

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
PARQUET = "application/x-parquet"

BY_SUFFIX = {
    ".csv": CSV,
    ".json": JSON,
    ".jsonl": JSON_LINES,
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".parquet": PARQUET,
    ".libsvm": "text/libsvm",
}


def guess_content_type(file: Path) -> str:
    """The content type of a file, by its ending.

    Raises:
        UsageError: the ending is not known.
    """
    try:
        return BY_SUFFIX[file.suffix.lower()]
    except KeyError:
        known = ", ".join(BY_SUFFIX)
        raise UsageError(
            f"the content type of {file} is not known by its ending ({known}): "
            "name it with --content-type"
        ) from None


def read_predictions(body: bytes, content_type: str) -> list[object] | None:
    """The predictions in an answer, one for each row, or None where its form does not tell.

    JSON is read as a list, alone or as the member ``predictions``; JSON lines and CSV by line,
    a CSV line with one field as that field.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == CSV:
            return [row[0] if len(row) == 1 else row for row in csv_records(body)]
        if kind == JSON_LINES:
            return [json.loads(line) for line in body.splitlines() if line.strip()]
        document = json.loads(body) if kind == JSON else None
    except ValueError:
        return None
    if isinstance(document, dict):
        document = document.get("predictions")
    return document if isinstance(document, list) else None


def csv_records(body: bytes) -> list[list[str]]:
    """The records of a CSV text, each as its fields, without blank lines."""
    text = io.StringIO(body.decode("utf-8-sig", errors="replace"), newline="")
    return [record for record in csv.reader(text) if record]
