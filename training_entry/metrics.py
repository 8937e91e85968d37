"""Metrics in the one form that SageMaker's regexes find, and kept in a file.

A report is one line on stdout: ``accuracy=0.97; log_loss=0.11;``, with ``step=3;`` at its end
where there is one. ``output/metrics.json`` holds the last value of each metric and the history;
it is of the process that reports, which should be the script itself and none of its workers.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

from contract.atomic_write import write_whole
from contract.errors import ByoError
from contract.paths import BASE_DIR_VARIABLE
from training_entry.job import Job

FILE_NAME = "metrics.json"
FORMAT = 1
# The oldest reports go first: the file is written whole each time.
KEPT_REPORTS = 1000
STEP = "step"
NAME = re.compile(r"[^\s=;]{1,255}")
# Any number that a script may print by itself as well: 1, -0.5, 1e-05.
NUMBER = "([-+]?[0-9][-+.0-9eE]*)"


class MetricError(ByoError):
    """A metric can't be reported; the message names it."""


class _Reports:
    """What this process has reported."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self.history: deque[dict[str, Any]] = deque(maxlen=KEPT_REPORTS)

    def add(self, metrics: Mapping[str, float], step: int | None) -> None:
        self.last |= metrics
        self.history.append({"step": step, "metrics": dict(metrics)})

    def to_json(self) -> str:
        document = {"format": FORMAT, "metrics": self.last, "history": list(self.history)}
        return json.dumps(document, allow_nan=False) + "\n"


_reports = _Reports()


def report_metric(name: str, value: Any, step: int | None = None) -> None:
    """Report one metric; see ``report_metrics``."""
    report_metrics({name: value}, step)


def report_metrics(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Print metrics for SageMaker to find, and on the leader host keep them in metrics.json.

    Outside of a job, where no output folder is named or there, they are only printed.

    Args:
        metrics: finite numbers by name; a name holds no blank, no ``=`` and no ``;``.
        step: how far training is: an epoch, an iteration; None where there is one figure only.

    Raises:
        MetricError: a name or a number can't be used; then nothing is printed or kept.
        JobError: the job's own files can't be used.
    """
    checked = {_checked_name(name): _checked(name, value) for name, value in metrics.items()}
    _check_step(step)
    if not checked:
        return
    numbers = [*checked.items(), *([(STEP, step)] if step is not None else [])]
    sys.stdout.write(" ".join(f"{name}={_plain(value)};" for name, value in numbers) + "\n")
    sys.stdout.flush()
    _reports.add(checked, step)
    _keep()


def reported_metrics() -> dict[str, float]:
    """The last value of each metric that this process reported: for ``save_signature``."""
    return dict(_reports.last)


def metric_definitions(names: Iterable[str]) -> list[dict[str, str]]:
    """The ``metric_definitions`` of an estimator that catch what ``report_metrics`` prints.

    Raises:
        MetricError: a name can't be that of a metric.
    """
    return [{"Name": _checked_name(name), "Regex": metric_regex(name)} for name in names]


def metric_regex(name: str) -> str:
    """The regex that finds a metric's value; ``accuracy`` does not find ``val_accuracy``."""
    # Not re.escape: it escapes more than every engine takes, such as "-" and "#".
    escaped = re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", name)
    return rf"(?:^|\s){escaped}={NUMBER};"


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise MetricError(
            f"{name!r} can't be a metric's name: use text without blanks, '=' and ';'"
        )
    if name == STEP:
        raise MetricError("step can't be a metric's name: give it as the argument step")
    return name


def _check_step(step: Any) -> None:
    if step is not None and (isinstance(step, bool) or not isinstance(step, int) or step < 0):
        raise MetricError(f"step is {step!r}: it must be a whole number from 0 on")


def _checked(name: str, value: Any) -> float:
    """A number of Python, numpy or anything else that has ``item()``, as a float."""
    if not isinstance(value, Real) and getattr(value, "size", 0) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise MetricError(f"metric {name} is a {type(value).__name__}: it must be a number")
    number = float(value)
    if not math.isfinite(number):
        raise MetricError(f"metric {name} is {number}: only finite numbers can be reported")
    return number


def _plain(value: float) -> str:
    """All digits, never an exponent: some of SageMaker's users look for digits alone."""
    return format(Decimal(repr(value)), "f")


def _keep() -> None:
    """Write metrics.json on the leader, where there is a folder for it."""
    job = Job.from_environ(os.environ)
    named = "SM_OUTPUT_DIR" in os.environ or BASE_DIR_VARIABLE in os.environ
    if not job.is_leader or not (named or job.output_dir.is_dir()):
        return
    job.output_dir.mkdir(parents=True, exist_ok=True)
    write_whole(job.output_dir / FILE_NAME, _reports.to_json())
