"""What a user's output_fn or transform_fn returned, in any of the forms that toolkits take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.errors import PredictionFailed

BODY = (str, bytes, bytearray)


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

        A body may have a status behind it, as in Flask, and a content type behind that.

        Raises:
            PredictionFailed: there is no answer, or one that says what can't be said.
        """
        if result is None:
            raise PredictionFailed("the answer is nothing: does output_fn lack a return?")
        content_type, status = None, 200
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
            result, content_type = result
        elif isinstance(result, tuple) and result and isinstance(result[0], BODY):
            result, content_type, status = _taken_apart(result)
        elif hasattr(result, "get_data") and hasattr(result, "mimetype"):
            status = int(getattr(result, "status_code", 200))
            result, content_type = result.get_data(), result.mimetype
        if isinstance(result, str):
            result = result.encode("utf-8")
        if isinstance(result, bytes | bytearray | memoryview):
            result = bytes(result)
        return cls(result, content_type, status)


def _taken_apart(answer: tuple[Any, ...]) -> tuple[Any, str | None, int]:
    """Body, content type and status of a tuple whose first item is a body."""
    match answer:
        case (body, int(status)) if 200 <= status <= 599:
            return body, None, status
        case (body, int(status), str(content_type)) | (body, str(content_type), int(status)) if (
            200 <= status <= 599
        ):
            return body, content_type, status
    kinds = ", ".join(type(one).__name__ for one in answer)
    raise PredictionFailed(
        f"an answer of ({kinds}) can't be told: return a body, or a body and its content type"
    )
