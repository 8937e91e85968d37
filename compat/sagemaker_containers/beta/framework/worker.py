"""What an ``output_fn`` may return in place of a body."""

from __future__ import annotations


class Response:
    """A body with its content type and status.

    Args:
        response: the body.
        accept: the content type, where `mimetype` is not given.
        status: the HTTP status.
        mimetype: the content type.
    """

    def __init__(
        self,
        response: str | bytes | None = None,
        accept: str | None = None,
        status: int = 200,
        mimetype: str | None = None,
    ) -> None:
        self.response = response or b""
        self.status_code = status
        self.mimetype = mimetype or accept

    def get_data(self) -> bytes:
        return self.response.encode() if isinstance(self.response, str) else self.response
