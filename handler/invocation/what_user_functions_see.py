"""A request's headers and body as user functions are handed them."""

from __future__ import annotations

from dataclasses import replace

from handler import codecs
from handler.codecs.charset import decode_text
from handler.invocation.request_types import Request

# What the toolkit hands to a user's functions as text rather than as bytes.
TEXT_TYPES = ("application/json", "text/csv")
# What a body is in that names no charset.
USUAL_CHARSETS = ("utf-8", "utf8", "us-ascii")


def as_users_expect(request: Request) -> tuple[str | None, str | bytes]:
    """Content type and body as the toolkit hands them on: text where it is text.

    The parameters are handed on as they were sent, but for a charset that need not concern a
    function: that of a text which has been decoded by it, and UTF-8. Scripts compare the type
    with ``text/csv``, and clients add such a charset to everything.
    """
    try:
        media = codecs.MediaType.parse(request.content_type or "")
    except ValueError:  # a type that only the user's own function may know
        return request.content_type, request.body
    if media.essence in TEXT_TYPES:
        return without_charset(media), decode_text(request.body, media)
    is_usual = media.parameters.get("charset", "").lower() in USUAL_CHARSETS
    return without_charset(media) if is_usual else str(media), request.body


def without_charset(media: codecs.MediaType) -> str:
    """A media type as text, with its parameters but for the charset."""
    if not media.parameters:
        return media.essence
    kept = {name: value for name, value in media.parameters.items() if name != "charset"}
    return str(replace(media, parameters=kept))
