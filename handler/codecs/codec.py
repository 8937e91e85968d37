"""What a codec is, and what all of them share: the decoded body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.media_types import MediaType

# What a JSON answer owes to the form of its request: the name of the member that held the rows, or,
# for tensors, a `tensors.Tensors`.
Envelope = Any


@dataclass(frozen=True)
class Decoded:
    """What a body held.

    Args:
        data: a ColumnTable, a pandas.DataFrame, a numpy.ndarray of shape (rows, columns) or a
            scipy.sparse matrix.
        envelope: JSON only: the form that the answer should have; None for the rows alone.
    """

    data: Any
    envelope: Envelope | None = None


class Codec(Protocol):
    """Reads and writes one content type.

    A class without state: ``media_types`` holds the type's names, the usual one first, and
    ``requires`` the modules without which the codec is left out.
    """

    media_types: ClassVar[tuple[str, ...]]
    requires: ClassVar[tuple[str, ...]]

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        """Turn a body that is not empty into data.

        Raises:
            MalformedPayload: the body can't be read as this type.
            UnprocessablePayload: it can, but holds nothing that a model could take.
            PayloadTooLarge: it holds, or would unpack to, more than the budget allows.
        """
        ...

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        """Turn a prediction into a body.

        Raises:
            NotAcceptable: this type can't represent the prediction, another might.
            PredictionFailed: no type could: it is no prediction.
        """
        ...
