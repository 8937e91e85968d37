"""Training: what sagemaker-training calls, the user's process, and what a script may import."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training_entry.channels import ChannelError, read_channel, shard_by_host
    from training_entry.hyperparameters import (
        HyperparameterError,
        hyperparameter,
        is_secret,
        masked,
        parse_hyperparameters,
    )
    from training_entry.job import Channel, Job, JobError, check_job_files
    from training_entry.metrics import (
        MetricError,
        metric_definitions,
        report_metric,
        report_metrics,
        reported_metrics,
    )

__all__ = [
    "Channel",
    "ChannelError",
    "HyperparameterError",
    "Job",
    "JobError",
    "MetricError",
    "check_job_files",
    "hyperparameter",
    "is_secret",
    "masked",
    "metric_definitions",
    "parse_hyperparameters",
    "read_channel",
    "report_metric",
    "report_metrics",
    "reported_metrics",
    "shard_by_host",
]

# Imported when they are asked for, as in `contract`: who reports metrics needs no numpy.
_PLACES = {
    "channels": ("ChannelError", "read_channel", "shard_by_host"),
    "hyperparameters": (
        "HyperparameterError",
        "hyperparameter",
        "is_secret",
        "masked",
        "parse_hyperparameters",
    ),
    "job": ("Channel", "Job", "JobError", "check_job_files"),
    "metrics": (
        "MetricError",
        "metric_definitions",
        "report_metric",
        "report_metrics",
        "reported_metrics",
    ),
}
_MODULES = {name: f"{__name__}.{module}" for module, names in _PLACES.items() for name in names}


if not TYPE_CHECKING:  # a checker would take any name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULES[name]), name)
