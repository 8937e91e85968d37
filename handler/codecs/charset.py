"""Text in and out of bytes, by the charset parameter of its media type."""

from __future__ import annotations

import codecs
import json

from contract.errors import MalformedPayload, NotAcceptable, UnsupportedContentType
from handler.codecs.media_types import MediaType

# Codecs of Python's that are no charsets, take time quadratic in the text's length, or let
# half a surrogate pair through.
_NOT_CHARSETS = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)


def decode_text(body: bytes, media_type: MediaType) -> str:
    """The text of a body, without a byte order mark.

    Raises:
        UnsupportedContentType: the charset is unknown.
        MalformedPayload: the bytes are not text in that charset; names the first that is not.
    """
    charset = charset_of(media_type)
    if charset is None:
        raise UnsupportedContentType(
            f"charset {media_type.parameters['charset'][:50]!r} is unknown; utf-8 always works"
        )
    try:
        return body.decode(charset).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise MalformedPayload(
            f"the body is not {charset} text: byte {error.start} can't be read ({error.reason})"
        ) from None
    except UnicodeError as error:  # Such as UTF-16 without a byte order mark; has no offset.
        raise MalformedPayload(f"the body is not {charset} text: byte 0: {error}") from None


def encode_text(text: str, media_type: MediaType) -> bytes:
    """Text as bytes.

    Raises:
        NotAcceptable: the charset is unknown or lacks a character.
    """
    charset = charset_of(media_type)
    if charset is None:
        raise NotAcceptable(f"charset {media_type.parameters['charset'][:50]!r} is unknown")
    try:
        return text.encode(charset)
    except UnicodeError:
        raise NotAcceptable(f"charset {charset} lacks a character of the prediction") from None


def charset_of(media_type: MediaType) -> str | None:
    """Python's name of the charset, utf-8 if none is given; None for one that is unknown."""
    name = media_type.parameters.get("charset", "utf-8")
    try:
        charset = codecs.lookup(name).name
        if charset in _NOT_CHARSETS:
            return None
        "".encode(charset)  # Refuses codecs such as hex, which are not of text.
    except (LookupError, ValueError):
        return None
    return charset


def quote(value: object) -> str:
    """A value as an error message shows it: quoted if it is text, and never long."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
