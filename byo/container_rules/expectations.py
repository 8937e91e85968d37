"""What a rule may expect of an answer, by the names that its file uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byo.container_rules.exchange import Answer
from byo.container_rules.http_expectations import HTTP_EXPECTATIONS
from byo.container_rules.management_expectations import MANAGEMENT_EXPECTATIONS
from byo.container_rules.prediction_expectations import PREDICTION_EXPECTATIONS
from byo.container_rules.scene import Expectation, Miss, Scene

EXPECTATIONS: Mapping[str, Expectation] = {
    **HTTP_EXPECTATIONS,
    **PREDICTION_EXPECTATIONS,
    **MANAGEMENT_EXPECTATIONS,
}


def missed(answer: Answer, expect: Mapping[str, Any], scene: Scene) -> Miss | None:
    """The first of these expectations that an answer does not meet, or None."""
    for name, wanted in expect.items():
        miss = EXPECTATIONS[name](answer, wanted, scene)
        if miss is not None:
            return miss
    return None
