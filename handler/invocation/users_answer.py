"""What a user's output_fn or transform_fn returned, in any of the forms that toolkits take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.errors import PredictionFailed


@dataclass(frozen=True)
class UsersAnswer:
    """An answer of user code, taken apart.

    Args:
        content: the body as bytes, or a prediction that is still to be encoded.
        content_type: what it is in, as far as the code says.
        status: the HTTP status.
    """

    content: Any
    content_type: str | None = None
    status: int = 200

    @classmethod
    def of(cls, result: Any) -> UsersAnswer:
        """Read a body, a pair of body and content type, a response object with ``get_data`` and
        ``mimetype`` as AWS's scikit-learn image takes it, or a prediction.

        Raises:
            PredictionFailed: there is no answer.
        """
        if result is None:
            raise PredictionFailed("the answer is nothing: does output_fn lack a return?")
        content_type, status = None, 200
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
            result, content_type = result
        elif hasattr(result, "get_data") and hasattr(result, "mimetype"):
            status = int(getattr(result, "status_code", 200))
            result, content_type = result.get_data(), result.mimetype
        if isinstance(result, str):
            result = result.encode("utf-8")
        if isinstance(result, bytes | bytearray | memoryview):
            result = bytes(result)
        return cls(result, content_type, status)
