"""Which library reads a body fastest: CSV and JSON, one row and 50,000 rows of 20 numbers.

Rounds are interleaved, so that whatever else the machine does falls on all readers alike, and
the medians are given as ratios to the reader that the codecs use. Prints a markdown table.

    python -m benchmarks.readers > benchmarks/readers.md
"""

from __future__ import annotations

import csv
import io
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pandas as pd

from contract.columns import Column
from contract.csv_number_or_missing import number
from contract.signature import Signature
from handler.codecs import decode
from handler.codecs.csv_arrow import read_with_arrow

COLUMNS = 20
SIZES = {1: 301, 20: 301, 200: 101, 50_000: 9}
SIGNATURE = Signature((Column(None, "number", "float64"),) * COLUMNS)
Reader = Callable[[bytes], Any]


def with_codec(content_type: str) -> Reader:
    return lambda body: decode(body, content_type, SIGNATURE).data


def csv_with_arrow(body: bytes) -> Any:
    columns = read_with_arrow(body, SIGNATURE.inputs, ["number"] * COLUMNS, False)
    assert columns is not None
    return np.column_stack(columns)


def csv_with_stdlib(body: bytes) -> Any:
    rows = csv.reader(io.StringIO(body.decode(), newline=""))
    return np.array([[number(cell) for cell in row] for row in rows])


def csv_with_pandas(body: bytes) -> Any:
    return pd.read_csv(io.BytesIO(body), header=None).to_numpy()


def csv_with_loadtxt(body: bytes) -> Any:
    return np.loadtxt(io.BytesIO(body), delimiter=",", ndmin=2)


def csv_with_polars(body: bytes) -> Any:
    import polars

    return polars.read_csv(body, has_header=False).to_numpy()


CSV_READERS: dict[str, Reader] = {
    "the codec": with_codec("text/csv"),
    "pyarrow.csv, one thread": csv_with_arrow,
    "stdlib csv and float": csv_with_stdlib,
    "pandas, C engine": csv_with_pandas,
    "numpy.loadtxt": csv_with_loadtxt,
    "polars": csv_with_polars,
}
JSON_READERS: dict[str, Reader] = {
    "the codec": with_codec("application/json"),
    "orjson and numpy.array": lambda body: np.array(orjson.loads(body)),
    "stdlib json and numpy.array": lambda body: np.array(json.loads(body)),
}


def medians(readers: dict[str, Reader], body: bytes, rounds: int) -> dict[str, float]:
    """The median seconds of each reader; the first round warms up.

    Each round has another order, since a reader pays for the caches that the one before it left.
    """
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    order = list(readers.items())
    shuffle = random.Random(0).shuffle
    for _ in range(rounds + 1):
        shuffle(order)
        for name, reader in order:
            start = time.perf_counter()
            reader(body)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


def table(readers: dict[str, Reader], write: Callable[[Any], bytes]) -> str:
    """A markdown table of times as multiples of the codec's own."""
    columns = []
    for rows, rounds in SIZES.items():
        body = write(np.random.default_rng(0).normal(size=(rows, COLUMNS)).tolist())
        taken = medians(readers, body, rounds)
        columns.append({name: taken[name] / taken["the codec"] for name in readers})
    lines = [
        f"| reader | {' | '.join(f'{rows:,} × {COLUMNS}' for rows in SIZES)} |",
        "|---|" + "---:|" * len(SIZES),
    ]
    for name in readers:
        lines.append(f"| {name} | {' | '.join(f'{column[name]:.2f}' for column in columns)} |")
    return "\n".join(lines)


def write_csv(rows: Any) -> bytes:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows).encode()


def main() -> None:
    print("# Readers of CSV and JSON\n")
    print("Median time as a multiple of the codec's own (what `decode` takes in all); less is")
    print(f"faster. Rows × columns; pandas {pd.__version__}, numpy {np.__version__}.\n")
    print(f"## CSV\n\n{table(CSV_READERS, write_csv)}\n")
    print(f"## JSON\n\n{table(JSON_READERS, orjson.dumps)}")


if __name__ == "__main__":
    main()
