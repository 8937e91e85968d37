"""What can be expected of predictions: how many they are, and which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byo.body_values import differences, read_values
from byo.body_values.read_values import essence
from byo.container_rules.exchange import Answer
from byo.container_rules.scene import Expectation, Miss, Scene
from byo.content_types import read_predictions

# A model that answers many rows together may round the last digits otherwise.
TOLERANCE = 1e-6


def _as_remembered(answer: Answer, name: str, scene: Scene) -> Miss | None:
    """The same values as the answer to the same request of an earlier step."""
    earlier = scene.remembered[name]
    return _same(earlier[scene.turn % len(earlier)], answer)


def _same(first: Answer, second: Answer) -> Miss | None:
    if second.status != first.status:
        return Miss(f"{first.status} as before", str(second))
    if first.body == second.body:
        return None
    try:
        values = [read_values(each.body, each.content_type) for each in (first, second)]
    except ValueError as error:
        return Miss("the answer as before", f"one that can't be read: {error}")
    if None in values:
        return Miss("the answer as before", f"other bytes: {second!s}")
    found = next(differences(values[0], values[1], TOLERANCE), None)
    return None if found is None else Miss("the answer as before", f"another, {found}")


def _records(answer: Answer, wanted: str, scene: Scene) -> Miss | None:
    """As many predictions as records were sent: ``records``, or that with ``+1``."""
    if not answer.ok:
        return None
    came = read_predictions(answer.body, answer.content_type)
    count = len(scene.container.records()) + (wanted == "records+1")
    if came is None:
        return Miss(f"{count} predictions", f"{answer.content_type} whose form does not tell")
    return None if len(came) == count else Miss(f"{count} predictions", f"{len(came)}")


def _joins(answer: Answer, name: str, scene: Scene) -> Miss | None:
    """The same predictions as those of several answers, one after the other."""
    alone = [read_predictions(each.body, each.content_type) for each in scene.remembered[name]]
    came = read_predictions(answer.body, answer.content_type)
    if came is None or None in alone:
        return Miss("predictions, one for each record", f"{answer.content_type}, no list of them")
    joined = [_number(one) for each in alone for one in each or ()]
    found = next(differences(joined, [_number(one) for one in came], TOLERANCE), None)
    if found is None:
        return None
    return Miss("what single records were answered with, one after the other", str(found))


def _number(cell: Any) -> Any:
    if isinstance(cell, list):
        return [_number(each) for each in cell]
    try:
        return float(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def _tidy_end(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    """Text ends with its last record, and at most a newline."""
    if not answer.ok or not essence(answer.content_type).startswith(("text/", "application/jsonl")):
        return None
    body = answer.body
    end = body.removesuffix(b"\n").removesuffix(b"\r")
    if body and end == end.rstrip() and not body.endswith(b"\0"):
        return None
    return Miss("an end with the last record and a newline at most", f"one in {body[-12:]!r}")


PREDICTION_EXPECTATIONS: Mapping[str, Expectation] = {
    "as_remembered": _as_remembered,
    "records": _records,
    "joins": _joins,
    "tidy_end": _tidy_end,
}
