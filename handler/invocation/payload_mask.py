"""Takes what a request held out of what the log says of its failure; the caller is told all of it.

A message may repeat values of a body: our own as they were sent, a library's or a user's in any
way. What of a text occurs in the body, or among the values that were read from it, is masked: what
stands in quotation marks, numbers of more than two digits, words with a digit or a capital, and any
longer stretch. Names of columns and what headers hold are no values, and stay.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from handler.codecs.column_table import as_frame
from handler.invocation.invocation_progress import Invocation

MASK = "…"
# Of a longer text only the ends are looked at, and only they are kept.
LONGEST_TEXT = 4000
# So many characters that were sent, in a row, are no coincidence.
LONG_STRETCH = 16
# How many values of what was read are looked at.
MOST_VALUES = 200_000
# How many bytes are searched: a body may have a hundred million, and others wait meanwhile.
MOST_SEARCHED = 500_000_000
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)+)\"|'((?:[^'\\]|\\.)+)'|`([^`]+)`")
_WORD = re.compile(r"[^\s\"'`()\[\]{}<>,;=]+")
_PLACE = re.compile(r"(?:rows?|columns?|lines?|bytes?|features?|shape|status|dtype) \(?$")
_NUMBER = re.compile(r"[-+]?[\d_]*\.?\d+(?:[eE][-+]?\d+)?%?")
_TELLING = re.compile(r"\d|[A-Z]|[^\x00-\x7f]|@")
_MEMBER = re.compile(rb'"((?:[^"\\]|\\.){1,80})"\s*:')
LONGEST_HEAD = 65536
_AROUND = ".:!?…"
_NARROW_CHARSETS = ("utf-8", "latin-1")
_CHARSETS = (*_NARROW_CHARSETS, "utf-16-le", "utf-16-be")


class PayloadMask:
    """Masks what one invocation was sent; made where something has failed.

    Args:
        invocation: the invocation, as far as it has come.
        names: of the columns that the model is known to take.
    """

    def __init__(self, invocation: Invocation, names: Iterable[str] = ()) -> None:
        request = invocation.request
        self._body = request.body
        self._data = invocation.data
        self._found: dict[str, bool] = {}
        self._searched = 0
        self._names = {str(name) for name in names}
        self._headers = f"{request.content_type} {request.accept} {request.target_model}"

    def hide(self, text: str) -> str:
        """The text with an ellipsis in place of what was sent."""
        if len(text) > LONGEST_TEXT:
            text = f"{text[: LONGEST_TEXT // 2]} {MASK} {text[-LONGEST_TEXT // 2 :]}"
        text = _QUOTED.sub(self._quoted, text)
        return self._without_words(self._without_stretches(text))

    def _quoted(self, found: re.Match[str]) -> str:
        mark, inside = found[0][0], next(filter(None, found.groups())).rstrip(MASK)
        meant = _unescaped(f"{mark}{inside}{mark}")
        if self._is_no_value(meant):
            return found[0]
        if self._is_opaque or self._was_sent(inside) or self._was_sent(meant):
            return f"{mark}{MASK}{mark}"
        return found[0]

    def _without_stretches(self, text: str) -> str:
        """Without longer parts of the body, word by word as far as they go."""
        words = list(re.finditer(r"\S+", text))
        kept, at, index = [], 0, 0
        while index < len(words):
            last = index
            start = end = words[index].start()
            while last < len(words) and self._is_in_body(text[start : words[last].end()]):
                end = words[last].end()
                last += 1
            if end - start >= LONG_STRETCH and not self._is_no_value(text[start:end]):
                kept += [text[at:start], MASK]
                at = end
            index = max(last, index + 1)
        return "".join([*kept, text[at:]])

    def _without_words(self, text: str) -> str:
        def word(found: re.Match[str]) -> str:
            inner = found[0].strip(_AROUND)
            if not inner or self._is_no_value(inner) or _PLACE.search(text, 0, found.start()):
                return found[0]
            is_number = bool(_NUMBER.fullmatch(inner))
            digits = sum(sign.isdigit() for sign in inner)
            tells = digits > 2 if is_number else len(inner) > 2 and bool(_TELLING.search(inner))
            is_sent = tells and ((is_number and self._is_opaque) or self._was_sent(inner))
            return found[0].replace(inner, MASK) if is_sent else found[0]

        return _WORD.sub(word, text)

    def _is_no_value(self, text: str) -> bool:
        return text in self._names or text in self._columns or text in self._headers

    def _was_sent(self, text: str) -> bool:
        return self._is_in_body(text) or text in self._values

    def _is_in_body(self, text: str) -> bool:
        """Whether a body holds a text; once too much has been searched, any may be in it."""
        if text not in self._found:
            forms = _forms(text, wide=self._is_opaque)
            self._searched += len(forms) * len(self._body)
            too_much = self._searched > MOST_SEARCHED
            self._found[text] = too_much or any(form in self._body for form in forms)
        return self._found[text]

    @cached_property
    def _is_opaque(self) -> bool:
        """Whether values may be in the body that can't be found in it, as text is."""
        return b"\0" in self._body

    @cached_property
    def _columns(self) -> frozenset[str]:
        columns = getattr(as_frame(self._data), "columns", ())
        # The names of members, too, in a body of JSON.
        members = _MEMBER.findall(self._body[:LONGEST_HEAD])
        return frozenset(map(str, columns)) | {one.decode(errors="replace") for one in members}

    @cached_property
    def _values(self) -> frozenset[str]:
        """What was read, as texts, where the body does not hold it as such."""
        data: Any = as_frame(self._data)
        if isinstance(data, pd.DataFrame | pd.Series):
            data = data.to_numpy(dtype=object)
        if isinstance(data, np.ndarray):
            return frozenset(map(str, data.reshape(-1)[:MOST_VALUES].tolist()))
        return frozenset()


def _unescaped(quoted: str) -> str:
    """What a text in quotation marks means, as Python and JSON write it."""
    try:
        meant = ast.literal_eval(quoted)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return quoted[1:-1]
    return meant if isinstance(meant, str) else quoted[1:-1]


def _forms(text: str, *, wide: bool) -> set[bytes]:
    """A text as a body may hold it.

    Args:
        text: the text.
        wide: whether its characters may be of more than one byte.
    """
    charsets = _CHARSETS if wide else _NARROW_CHARSETS
    escaped = (json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False))
    return {text.encode(charset, "backslashreplace") for charset in charsets} | {
        one.encode(errors="backslashreplace") for one in escaped
    }
