"""Text in bytes, in whichever encoding it came: one rule for files and for requests."""

from __future__ import annotations

import codecs

# Codecs of Python's that are no charsets, take time quadratic in the text's length, or let
# half a surrogate pair through.
_NOT_CHARSETS = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)
# The marks that a text may begin with, longer ones first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def charset_named(name: str) -> str | None:
    """Python's name of a charset; None for one that is unknown."""
    try:
        charset = codecs.lookup(name).name
        if charset in _NOT_CHARSETS:
            return None
        "".encode(charset)  # Refuses codecs such as hex, which are not of text.
    except (LookupError, ValueError):
        return None
    return charset


def marked_charset(beginning: bytes) -> str | None:
    """The charset that a byte order mark at the beginning of a text says, if not UTF-8.

    PowerShell writes UTF-16 with one, unless it is told otherwise.
    """
    return next((charset for mark, charset in _MARKS if beginning.startswith(mark)), None)
