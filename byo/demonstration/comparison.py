"""Send the same rows as several content types; compare the answers, and how fast they come."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from pyarrow import csv as arrow_csv
from pyarrow import parquet

from byo.command_errors import RequestFailed
from byo.content_types import CSV, JSON, PARQUET, read_predictions
from byo.endpoint import Client, Response

WARM_UP_ROUNDS = 5
TIMED_ROUNDS = 20
UNSUPPORTED = 415


@dataclass(frozen=True)
class Outcome:
    """What one content type came to.

    Args:
        content_type: how the rows were sent.
        predictions: one for each row; None where the algorithm does not read the type.
        latency: the median of single-row requests, in milliseconds.
    """

    content_type: str
    predictions: list[Any] | None
    latency: float = 0.0


def compare(client: Client, features: Any) -> list[Outcome]:
    """Send the rows as CSV, as JSON and as Parquet: all at once, then one by one.

    Args:
        client: a client of a ready endpoint.
        features: a pyarrow table of the rows, without the target.

    Raises:
        RequestFailed: an answer is no prediction, or not one for each row.
    """
    predictions = {}
    for content_type, encode in ENCODERS.items():
        answer = client.invoke(encode(features), content_type, accept=JSON)
        if answer.status != UNSUPPORTED:
            predictions[content_type] = _predictions(answer, features.num_rows, content_type)
    latencies = _latencies(client, features, list(predictions))
    return [Outcome(each, predictions.get(each), latencies.get(each, 0.0)) for each in ENCODERS]


def score(predictions: Sequence[Any], truth: Sequence[Any], *, classifier: bool) -> float:
    """The accuracy of labels, or of numbers the R², as scikit-learn defines them."""
    if classifier:
        return fmean(str(one) == str(other) for one, other in zip(predictions, truth, strict=True))
    mean = fmean(truth)
    squares = [(float(p) - t) ** 2 for p, t in zip(predictions, truth, strict=True)]
    spread = sum((value - mean) ** 2 for value in truth)
    return 1 - sum(squares) / spread if spread else 0.0


def _to_csv(table: Any) -> bytes:
    buffer = io.BytesIO()
    arrow_csv.write_csv(table, buffer)
    return buffer.getvalue()


def _to_json(table: Any) -> bytes:
    return json.dumps(table.to_pylist(), default=str).encode()


def _to_parquet(table: Any) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


ENCODERS: dict[str, Callable[[Any], bytes]] = {CSV: _to_csv, JSON: _to_json, PARQUET: _to_parquet}


def _predictions(answer: Response, rows: int, content_type: str) -> list[Any]:
    """The first value of each prediction: the label or the number itself."""
    found = read_predictions(answer.require_ok().body, answer.content_type)
    if found is None or len(found) != rows:
        got = "a body of another form" if found is None else f"{len(found)} predictions"
        raise RequestFailed(f"{rows} rows sent as {content_type} were answered with {got}")
    return [_first(prediction) for prediction in found]


def _first(prediction: Any) -> Any:
    if isinstance(prediction, dict):
        prediction = list(prediction.values())
    return prediction[0] if isinstance(prediction, list) and prediction else prediction


def _latencies(client: Client, features: Any, content_types: list[str]) -> dict[str, float]:
    """The median time of single-row requests by content type, in milliseconds.

    The types take turns, so that none has the server at its coldest to itself.
    """
    times: dict[str, list[float]] = {content_type: [] for content_type in content_types}
    for number in range(WARM_UP_ROUNDS + TIMED_ROUNDS):
        row = features.slice(number % features.num_rows, 1)
        for content_type in content_types:
            body = ENCODERS[content_type](row)
            start = time.perf_counter()
            client.invoke(body, content_type, accept=JSON).require_ok()
            times[content_type].append((time.perf_counter() - start) * 1000)
    return {each: median(taken[WARM_UP_ROUNDS:]) for each, taken in times.items()}
