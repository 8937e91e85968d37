"""What a user's script imports from us, by one line: ``from byo import save_signature, Job``.

The package is also what a person runs: the command line, the local endpoint, the contract checker.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byo.endpoint.endpoint import Endpoint
    from contract.errors import SignatureError
    from contract.paths import Paths
    from contract.signature import Signature, load_signature, save_signature
    from training_entry import checkpoint, cluster
    from training_entry.channels import ChannelError, read_channel, shard_by_host
    from training_entry.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
    from training_entry.hyperparameters import (
        HyperparameterError,
        hyperparameter,
        masked,
        parse_hyperparameters,
    )
    from training_entry.job import Channel, Job, JobError
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
    "CheckpointError",
    "Endpoint",
    "HyperparameterError",
    "Job",
    "JobError",
    "MetricError",
    "Paths",
    "Signature",
    "SignatureError",
    "checkpoint",
    "cluster",
    "hyperparameter",
    "load_checkpoint",
    "load_signature",
    "masked",
    "metric_definitions",
    "parse_hyperparameters",
    "read_channel",
    "report_metric",
    "report_metrics",
    "reported_metrics",
    "save_checkpoint",
    "save_signature",
    "shard_by_host",
]

# Imported when they are asked for: a script pays for what it uses, and the command for nothing.
_PLACES = {
    "byo.endpoint.endpoint": ("Endpoint",),
    "contract.errors": ("SignatureError",),
    "contract.paths": ("Paths",),
    "contract.signature": ("Signature", "load_signature", "save_signature"),
    "training_entry": ("checkpoint", "cluster"),
    "training_entry.channels": ("ChannelError", "read_channel", "shard_by_host"),
    "training_entry.checkpoint": ("CheckpointError", "load_checkpoint", "save_checkpoint"),
    "training_entry.hyperparameters": (
        "HyperparameterError",
        "hyperparameter",
        "masked",
        "parse_hyperparameters",
    ),
    "training_entry.job": ("Channel", "Job", "JobError"),
    "training_entry.metrics": (
        "MetricError",
        "metric_definitions",
        "report_metric",
        "report_metrics",
        "reported_metrics",
    ),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}
_SUBMODULES = _PLACES["training_entry"]


if not TYPE_CHECKING:  # a checker would take any name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name in _SUBMODULES:
            return importlib.import_module(f"{_MODULES[name]}.{name}")
        return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
