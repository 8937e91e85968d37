"""The metrics that a training run reported, and the regexes that find them in its log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from byo.contract_check.findings import Finding, ok, warning
from contract.paths import Paths
from contract.signature import Signature
from training_entry.metrics import FILE_NAME, MetricError, metric_definitions


def check_metrics(paths: Paths, signature: Signature | None, log: Path) -> Iterator[Finding]:
    """Show the metric definitions of an estimator, and warn of what none of them would find.

    Args:
        paths: the job's tree, after training.
        signature: what training wrote beside the model, or None.
        log: the job's output.
    """
    text = log.read_text(encoding="utf-8", errors="replace")
    found = []
    for name in _names(paths, signature):
        try:
            (definition,) = metric_definitions([name])
        except MetricError as error:
            yield warning(str(error))
            continue
        if re.search(definition["Regex"], text, re.MULTILINE):
            found.append(definition)
        else:
            yield warning(
                f"metric {name} is not in the log as {name}=value; so that SageMaker can't find "
                "it: call byo.report_metrics"
            )
    if found:
        listed = "\n".join(f"{json.dumps(definition)}," for definition in found)
        yield ok(f"metric_definitions for {len(found)} found in the log", details=listed)


def _names(paths: Paths, signature: Signature | None) -> list[str]:
    """The names in metrics.json, then those that only the signature has."""
    names: dict[str, None] = {}
    file = paths.output / FILE_NAME
    if file.is_file():
        names |= dict.fromkeys(json.loads(file.read_text(encoding="utf-8"))["metrics"])
    return list(names | dict.fromkeys(signature.metrics if signature else ()))
