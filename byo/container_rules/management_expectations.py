"""What can be expected of the answers that SageMaker itself reads: models, execution parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from byo.container_rules.bodies import replaced
from byo.container_rules.exchange import Answer
from byo.container_rules.scene import Expectation, Miss, Scene

# By CreateTransformJob: MB in a request, and MB under way together.
MOST_MB = 100
STRATEGIES = ("MULTI_RECORD", "SINGLE_RECORD")


def document(answer: Answer) -> dict[str, Any] | None:
    """The JSON object in an answer, or None where it is none."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The models in an answer to LIST, or None where it is none."""
    models = (document(answer) or {}).get("models")
    if not isinstance(models, list) or not all(isinstance(each, dict) for each in models):
        return None
    return models


def _lists(answer: Answer, wanted: Sequence[str], scene: Scene) -> Miss | None:
    """Each of these models once, with its URL."""
    models = listed(answer)
    if models is None:
        return Miss('{"models": […]}', str(answer))
    for name in (replaced(each, scene.variables) for each in wanted):
        found = [each for each in models if each.get("modelName") == name]
        if len(found) != 1:
            return Miss(f"model {name[:12]}… listed once", f"{len(found)} times")
        if not isinstance(found[0].get("modelUrl"), str):
            return Miss("modelUrl with each model", str(found[0]))
    return None


def _lists_not(answer: Answer, unwanted: Sequence[str], scene: Scene) -> Miss | None:
    models = listed(answer)
    if models is None:
        return Miss('{"models": […]}', str(answer))
    names = {replaced(each, scene.variables) for each in unwanted}
    found = sorted(names & {str(each.get("modelName")) for each in models})
    return Miss(f"model {found[0][:12]}… not listed", "it is") if found else None


def _lists_at_most(answer: Answer, most: int, _: Scene) -> Miss | None:
    models = listed(answer)
    if models is None:
        return Miss('{"models": […]}', str(answer))
    return None if len(models) <= most else Miss(f"at most {most} models", str(len(models)))


def _names(answer: Answer, wanted: Mapping[str, str], scene: Scene) -> Miss | None:
    """A JSON object, or a list of one, with these members."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return Miss("JSON", str(answer))
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    for name, text in wanted.items():
        value = replaced(text, scene.variables)
        if not isinstance(found, dict) or found.get(name) != value:
            return Miss(f"{name} {value[:40]}", str(answer))
    return None


def _execution_parameters(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    """What a batch transform can use, where there is something."""
    if answer.status == 404:
        return None
    found = document(answer)
    if not answer.ok or found is None:
        return Miss("404, or 200 with a JSON object", str(answer))
    several, size = found.get("MaxConcurrentTransforms", 1), found.get("MaxPayloadInMB", 6)
    if not _whole(several) or not _whole(size) or several < 1 or not 0 <= size <= MOST_MB:
        return Miss("MaxConcurrentTransforms from 1, MaxPayloadInMB from 0 to 100", str(answer))
    if several * size > MOST_MB:
        return Miss("at most 100 MB of MaxConcurrentTransforms * MaxPayloadInMB", str(answer))
    if found.get("BatchStrategy", STRATEGIES[0]) not in STRATEGIES:
        return Miss(f"BatchStrategy {' or '.join(STRATEGIES)}", str(answer))
    return None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


MANAGEMENT_EXPECTATIONS: Mapping[str, Expectation] = {
    "lists": _lists,
    "lists_not": _lists_not,
    "lists_at_most": _lists_at_most,
    "names": _names,
    "execution_parameters": _execution_parameters,
}
