"""What is told as text, read by Prometheus's own parsers."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from handler.metrics.collector import Collector, FrontendCounts
from handler.metrics.exposition import OPENMETRICS, PROMETHEUS, content_type, text
from handler.metrics.families import Told, families
from handler.metrics.figures import Figures, Measured
from handler.metrics.layout import CELLS, DECODE
from handler.metrics.model_memory import KEPT_SECONDS, ModelMemory
from tests.serving.metrics.reading import series, summed, value

ODD = 'a "model"\\ of\nlines, {=}'
ROOT = Path(__file__).parents[3]


def told() -> Told:
    figures = Figures(np.arange(CELLS, dtype=float), {}, Counter({"200": 7, "503": 1}))
    figures.users["hits_total"] = Measured(3, 5.0)
    figures.users["wait_seconds"] = Measured(2, 0.75)
    return Told({ODD: figures, "b": Figures()}, {ODD: 3}, {ODD: 1 << 40}, 2, figures, figures)


@pytest.mark.parametrize("form", [PROMETHEUS, OPENMETRICS])
def test_both_parsers_read_all_of_it(form: str) -> None:
    """Names of any characters; buckets that add up; counters of user code and sums of it."""
    found = series(text(families(told()), form), is_open=form == OPENMETRICS)

    assert value(found, "byo_invocations_total", model=ODD, code="200") == 7
    assert value(found, "byo_invocations_in_flight", model=ODD) == 3
    assert value(found, "byo_model_memory_bytes", model=ODD) == 1 << 40
    labels = {"model": ODD, "stage": "decode"}
    buckets = list(range(DECODE.at, DECODE.sum_at))
    assert value(found, "byo_invocation_seconds_bucket", le="0.0001", **labels) == buckets[0]
    assert value(found, "byo_invocation_seconds_bucket", le="+Inf", **labels) == sum(buckets)
    assert value(found, "byo_invocation_seconds_count", **labels) == sum(buckets)
    assert value(found, "byo_invocation_seconds_sum", **labels) == DECODE.sum_at
    assert value(found, "byo_user_hits_total", model=ODD) == 5
    assert value(found, "byo_user_wait_seconds_sum", model=ODD) == 0.75
    assert summed(found, "byo_build_info") == 1


def test_the_documentation_has_every_name() -> None:
    documented = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")

    assert [one.name for one in families(told()) if f"`{one.name}" not in documented] == [
        "byo_user_hits",
        "byo_user_wait_seconds",
    ]


def test_the_dashboard_asks_for_nothing_else() -> None:
    text = (ROOT / "docker" / "grafana" / "dashboard.json").read_text(encoding="utf-8")
    asked = {re.sub("_(bucket|sum|count|total)$", "", one) for one in re.findall(r"byo_\w+", text)}

    assert json.loads(text)["panels"]
    assert asked <= {one.name for one in families(told())}
    assert len(asked) >= 8


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", PROMETHEUS),
        ("*/*", PROMETHEUS),
        ("text/plain", PROMETHEUS),
        ("application/openmetrics-text", OPENMETRICS),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.1",
            OPENMETRICS,
        ),
        ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.3", PROMETHEUS),
        ("application/openmetrics-text;q=0", PROMETHEUS),
        ("application/openmetrics-text;q=1.2.3", PROMETHEUS),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept: str, form: str) -> None:
    assert content_type(accept) == form


def test_a_server_without_models_tells_of_itself(tmp_path: Path) -> None:
    """And of invocations of models that there are not."""
    counts = FrontendCounts({"": {"404": 3}}, {"": 1})
    found = series(text(families(Collector(tmp_path, 200).collect(counts)), PROMETHEUS))

    assert value(found, "byo_invocations_total", model="", code="404") == 3
    assert value(found, "byo_invocations_in_flight", model="") == 1
    assert value(found, "byo_models_loaded") == 0
    assert summed(found, "byo_worker_restarts_total") == 0


def test_memory_is_asked_seldom_and_not_of_who_shares() -> None:
    """What a process takes that has several models is nobody's."""
    now, asked = [0.0], []

    def ask(pid: int) -> int:
        asked.append(pid)
        return 10 * pid

    memory = ModelMemory(ask, lambda: now[0])
    models_of = {1: {"a"}, 2: {"a"}, 3: {"b", "c"}, 4: {"d"}}
    first = memory.of_models(models_of)
    again = memory.of_models({1: {"a"}, 4: {"d"}})
    now[0] += KEPT_SECONDS
    memory.of_models({1: {"a"}})

    assert first == {"a": 30, "d": 40}
    assert again == {"a": 10, "d": 40}
    assert asked == [1, 2, 4, 1]


def test_a_process_that_has_ended_has_no_memory() -> None:
    assert ModelMemory().of_models({2**22 + 1: {"a"}}) == {}
