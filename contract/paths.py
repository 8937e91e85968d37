"""The /opt/ml tree, under any base folder.

The layout is SageMaker's: what the platform mounts before a training job or an endpoint
starts, and where it looks for what they leave behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASE_DIR_VARIABLE = "SAGEMAKER_BASE_DIR"


@dataclass(frozen=True)
class Paths:
    """Where everything is under one base folder, ``/opt/ml`` in a container."""

    base: Path = Path("/opt/ml")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Paths:
        """The tree under ``SAGEMAKER_BASE_DIR``, the toolkits' own name for the base folder."""
        return cls(Path(environ.get(BASE_DIR_VARIABLE) or "/opt/ml"))

    @property
    def model(self) -> Path:
        """The model directory: written by training, read by a single-model endpoint."""
        return self.base / "model"

    @property
    def models(self) -> Path:
        """Where SageMaker puts the models of a multi-model endpoint, a folder each."""
        return self.base / "models"

    @property
    def code(self) -> Path:
        """Where sagemaker-training unpacks the user's script in script mode."""
        return self.base / "code"

    @property
    def input_config(self) -> Path:
        """The folder of the job's three configuration files."""
        return self.base / "input" / "config"

    @property
    def hyperparameters(self) -> Path:
        return self.input_config / "hyperparameters.json"

    @property
    def input_data_config(self) -> Path:
        return self.input_config / "inputdataconfig.json"

    @property
    def resource_config(self) -> Path:
        return self.input_config / "resourceconfig.json"

    @property
    def input_data(self) -> Path:
        """The folder of the channels, one folder each."""
        return self.base / "input" / "data"

    def channel(self, name: str) -> Path:
        """The folder that holds a channel's files."""
        return self.input_data / name

    @property
    def output(self) -> Path:
        return self.base / "output"

    @property
    def output_data(self) -> Path:
        """What a training job keeps beside the model: plots, reports."""
        return self.output / "data"

    @property
    def failure(self) -> Path:
        """The failure file: SageMaker shows its first 1,024 characters as FailureReason."""
        return self.output / "failure"

    @property
    def success(self) -> Path:
        return self.output / "success"

    @property
    def metrics(self) -> Path:
        """The metrics that a training script reported, as JSON."""
        return self.output / "metrics.json"
