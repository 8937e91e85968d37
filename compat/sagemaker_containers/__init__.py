"""Stands in for the package of this name: what scripts for AWS's scikit-learn image use of it."""

from __future__ import annotations

from typing import Any

__all__ = ["training_env"]


def training_env() -> Any:
    """The training job as sagemaker-training describes it: hosts, channels, hyperparameters."""
    from sagemaker_training.environment import Environment

    return Environment()
