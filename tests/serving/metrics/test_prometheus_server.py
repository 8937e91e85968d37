"""A real Prometheus server reads `/metrics`, where one is installed, and answers by that."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from handler.serve.pick_free_port import free_port
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, running

ROOT = Path(__file__).parents[3]
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PROMETHEUS and PROMTOOL), reason="there is no Prometheus: apt-get install prometheus"
    ),
]


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """A Prometheus server that reads a target each second; its address."""
    document = {
        "scrape_configs": [
            {
                "job_name": "byo",
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "static_configs": [{"targets": [target]}],
            }
        ]
    }
    configuration = folder / "prometheus.yml"
    configuration.write_text(json.dumps(document))
    address = f"127.0.0.1:{free_port()}"
    options = (
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([str(PROMETHEUS), *options], stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait(10)


def asked(url: str, query: str) -> list[Any]:
    """What Prometheus finds; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{query}", timeout=10) as answer:
            data = json.load(answer)["data"]
    except OSError:
        return []
    return list(data.get("result") or data.get("activeTargets") or [])


def value(url: str, expression: str) -> float:
    found = asked(url, f"query?query={urllib.parse.quote(expression)}")
    return float(found[0]["value"][1]) if found else 0.0


def test_a_prometheus_server_reads_it(positional: Tree) -> None:
    """Its sums and quantiles are those of what was sent, and promtool finds nothing to mend."""
    with running(positional) as server:
        assert [server.post("2,0\n").status for _ in range(7)] == [200] * 7
        text = server.client.request("GET", "/metrics").body
        folder = positional.root
        with prometheus(folder, urlsplit(server.client.url).netloc) as url:
            eventually(lambda: value(url, 'sum(byo_invocations_total{code="200"})') == 7)
            stages = value(url, "count(byo_invocation_seconds_count == 7)")
            slowest = value(
                url, "histogram_quantile(1, sum by (le) (byo_invocation_seconds_bucket))"
            )
            targets = asked(url, "targets")
            expressions = dashboard_expressions()
            wrong = [one for one in expressions if not is_understood(url, one)]

    assert stages == 4
    assert 0 < slowest <= 60
    assert [(one["health"], one["lastError"]) for one in targets] == [("up", "")]
    assert expressions
    assert wrong == []
    checked = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")


def dashboard_expressions() -> list[str]:
    """What the dashboard asks, for the last minute in the place of what it shows."""
    document = json.loads((ROOT / "docker" / "grafana" / "dashboard.json").read_text())
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$model", ".*")
        for panel in document["panels"]
        for target in panel.get("targets", ())
    ]


def is_understood(url: str, expression: str) -> bool:
    """Whether Prometheus takes an expression, be it that it finds nothing."""
    address = f"{url}/api/v1/query?query={urllib.parse.quote(expression)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return bool(json.load(answer)["status"] == "success")
