"""Training: what sagemaker-training calls, the user's process, and what a script may import."""

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
