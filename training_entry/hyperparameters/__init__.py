"""Hyperparameters with types: declared once, checked before any data is read."""

from training_entry.hyperparameters.declaration import (
    Hyperparameter,
    declared_hyperparameters,
    hyperparameter,
)
from training_entry.hyperparameters.hyperparameter_error import HyperparameterError
from training_entry.hyperparameters.parsing import parse_hyperparameters
from training_entry.hyperparameters.secret_names import is_secret, masked

__all__ = [
    "Hyperparameter",
    "HyperparameterError",
    "declared_hyperparameters",
    "hyperparameter",
    "is_secret",
    "masked",
    "parse_hyperparameters",
]
