"""Text in and out of bytes, by the charset parameter of its media type."""

from __future__ import annotations

import json

from contract.errors import MalformedPayload, NotAcceptable, UnsupportedContentType, one_line
from contract.text_encoding import charset_named, marked_charset
from handler.codecs.media_types import MediaType

# Characters of a value that an error shows. A message may show two: a column's name and a cell.
QUOTED = 40


def decode_text(body: bytes, media_type: MediaType) -> str:
    """The text of a body, without a byte order mark.

    Where no charset is named, a mark of UTF-16 or UTF-32 names it: no UTF-8 begins like that.

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
        marked = None if "charset" in media_type.parameters else marked_charset(body[:4])
        if marked is not None:
            return decode_text(body, MediaType("text", "plain", {"charset": marked}))
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
    name = media_type.parameters.get("charset")
    return "utf-8" if name is None else charset_named(name)


def quote(value: object) -> str:
    """A value as an error message shows it: quoted if it is text, one line, and never long."""
    if isinstance(value, str):
        # Its beginning alone, since it may be as long as a body.
        text = json.dumps(value[: QUOTED + 1], ensure_ascii=False)
        if len(text) > QUOTED + 2:
            text = text[:QUOTED].rstrip("\\") + '…"'
        return one_line(text, len(text))
    try:
        text = str(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits.
        return "a number of thousands of digits"
    return one_line(text, QUOTED)
