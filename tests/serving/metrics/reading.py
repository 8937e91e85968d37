"""What `/metrics` says, read by Prometheus's own parser."""

from __future__ import annotations

from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from byo.endpoint import Client

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(text: str, *, is_open: bool = False) -> Series:
    """The value of each series, by its name and labels; none of them comes twice."""
    found: Series = {}
    for family in (open_metrics if is_open else text_string_to_metric_families)(text):
        assert family.documentation
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def scraped(client: Client, accept: str = "text/plain") -> Series:
    """What a server says at the moment."""
    response = client.request("GET", "/metrics", None, {"Accept": accept})
    assert response.status == 200, response.body
    is_open = response.content_type.startswith("application/openmetrics-text")
    return series(response.body.decode(), is_open=is_open)


def value(found: Series, name: str, **labels: str) -> float:
    """The value of one series; 0 of one that there is not."""
    return found.get((name, frozenset(labels.items())), 0.0)


def summed(found: Series, name: str, **labels: str) -> float:
    """The sum of all series of a name with these labels."""
    wanted = set(labels.items())
    return sum(one for (its, have), one in found.items() if its == name and wanted <= have)


def never_down(before: Series, after: Series) -> list[Any]:
    """The counters that have gone down, or are gone."""
    endings = ("_total", "_bucket", "_count", "_sum")
    return [
        (key, one, after.get(key))
        for key, one in before.items()
        if key[0].endswith(endings) and after.get(key, -1.0) < one
    ]
