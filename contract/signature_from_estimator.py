"""What a fitted model itself says of its input: a signature where no file holds one."""

from __future__ import annotations

from contract.estimators.model_inputs import describe
from contract.signature import Signature


def signature_of(model: object) -> Signature | None:
    """What a model takes, as far as it shows; None if nothing was recorded."""
    return describe(model).signature
