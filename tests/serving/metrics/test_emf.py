"""Lines for CloudWatch: what has changed since the last ones, as its format has it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from handler.metrics.emf import EmfLines
from handler.metrics.families import Told, families
from handler.metrics.figures import Figures, Measured
from handler.metrics.layout import CELLS, DECODE
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, running


def told(answers: int, decoded: dict[int, int], seconds: float, **users: Measured) -> Told:
    cells = np.zeros(CELLS)
    for bucket, number in decoded.items():
        cells[DECODE.at + bucket] = number
    cells[DECODE.sum_at] = seconds
    figures = Figures(cells, dict(users), Counter({"200": answers}))
    return Told({"a": figures}, {"": 2}, {"a": 4096}, 1, Figures(), figures)


def lines(emf: EmfLines, what: Told) -> dict[str, dict[str, Any]]:
    """The lines by their metric's name, each of the form that CloudWatch asks for."""
    found = {}
    for line in emf.lines(families(what), 1_700_000_000_000):
        document = json.loads(line)
        assert document["_aws"]["Timestamp"] == 1_700_000_000_000
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        (metric,) = directive["Metrics"]
        assert all(document[name] for name in directive["Dimensions"][0])
        found[metric["Name"]] = {"unit": metric["Unit"], **document}
    return found


def test_only_what_has_changed_is_told() -> None:
    emf = EmfLines()
    lines(emf, told(3, {0: 3}, 0.0002))
    again = lines(emf, told(3, {0: 3}, 0.0002))
    more = lines(emf, told(8, {0: 5, 2: 1}, 0.0014))

    assert again.keys() == {
        "byo_models_loaded", "byo_model_memory_bytes", "byo_invocations_in_flight",
    }  # fmt: skip
    assert again["byo_model_memory_bytes"]["byo_model_memory_bytes"] == 4096
    assert again["byo_model_memory_bytes"]["unit"] == "Bytes"
    assert again["byo_invocations_in_flight"]["model"] == "none"
    assert more["byo_invocations"]["byo_invocations"] == 5
    assert (more["byo_invocations"]["model"], more["byo_invocations"]["code"]) == ("a", "200")
    decoded = more["byo_invocation_seconds"]
    assert (decoded["stage"], decoded["unit"]) == ("decode", "Seconds")
    values, counts = decoded["byo_invocation_seconds"].values()
    assert counts == [2, 1]
    assert sum(one * many for one, many in zip(values, counts, strict=True)) == pytest.approx(
        0.0012
    )


def test_what_user_code_measures_is_told_as_a_mean() -> None:
    emf = EmfLines()
    first = told(1, {}, 0, wait_seconds=Measured(2, 3.0), hits_total=Measured(1, 7.0))
    found = lines(emf, first)

    assert found["byo_user_wait_seconds"]["byo_user_wait_seconds"] == {
        "Values": [1.5],
        "Counts": [2.0],
    }
    assert found["byo_user_wait_seconds"]["unit"] == "Seconds"
    assert found["byo_user_hits"]["byo_user_hits"] == 7
    assert "byo_user_hits" not in lines(emf, first)


@pytest.mark.slow
def test_a_server_prints_them(positional: Tree) -> None:
    """Each a line of its own in the log, of what was sent."""
    with running(positional, BYO_METRICS_EMF="1") as server:
        assert [server.post("2,0\n").status for _ in range(5)] == [200] * 5

        def counted() -> float:
            found = [one for one in server.log.read_text().splitlines() if '"_aws"' in one]
            return sum(json.loads(one).get("byo_invocations", 0) for one in found)

        eventually(lambda: counted() == 5)
