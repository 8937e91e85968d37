"""Arrays to bodies and back, by the codecs that serve every other request."""

from __future__ import annotations

from typing import Any


def decode(obj: str | bytes, content_type: str) -> Any:
    """A body as a two-dimensional array or a data frame."""
    from handler import codecs

    body = obj.encode() if isinstance(obj, str) else bytes(obj)
    return codecs.decode(body, content_type, None).data


def encode(array_like: Any, content_type: str) -> bytes:
    """A prediction as a body."""
    from handler import codecs

    return codecs.encode(array_like, codecs.MediaType.parse(content_type))[0]
