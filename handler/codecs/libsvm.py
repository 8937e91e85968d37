"""text/libsvm: ``label index:value …`` per line, the indices counted from 1."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from contract.errors import MalformedPayload, NotAcceptable, UnprocessablePayload
from contract.signature import Signature
from handler.codecs.budget import STORED, Budget
from handler.codecs.charset import decode_text, encode_text, quote
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.media_types import MediaType
from handler.codecs.predictions import to_array
from handler.codecs.text_lines import rows_of

# Bytes that a line takes by itself, as text and as a row.
_LINE = 160


class LibSvm:
    media_types: ClassVar[tuple[str, ...]] = ("text/libsvm", "text/x-libsvm")
    requires: ClassVar[tuple[str, ...]] = ("sklearn",)

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        text = decode_text(body, media_type)
        budget.memory((text.count("\n") + 1) * _LINE + text.count(":") * STORED + len(text))
        numbers, lines = _with_features(rows_of(text, budget))
        matrix = _load(lines)
        if matrix is None:
            raise _bad_line(lines, numbers)
        budget.columns(matrix.shape[1])
        return Decoded(_widen(matrix, signature))

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        return encode_text(_dump(_matrix_of(prediction)), media_type)


def _with_features(lines: Iterable[str]) -> tuple[array[int], list[str]]:
    """The lines that hold a row, not a comment alone, as `_load` takes them; and their numbers.

    Raises:
        MalformedPayload: none does.
    """
    numbers, rows = array("q"), []
    for number, line in enumerate(lines, start=1):
        row = line.partition("#")[0].strip()
        if row:
            numbers.append(number)
            rows.append(row)
    if not rows:
        raise MalformedPayload("the body has no rows")
    return numbers, rows


def _load(lines: Sequence[str]) -> Any:
    """The features of all lines as a CSR matrix; None if a line can't be read."""
    from sklearn.datasets import load_svmlight_file

    text = "\n".join(map(_labelled, lines))
    try:
        return load_svmlight_file(io.BytesIO(text.encode()), zero_based=False)[0]
    except (ValueError, OverflowError, TypeError):
        return None


def _labelled(line: str) -> str:
    """A line with a label: requests for predictions may leave it out."""
    return f"0 {line}" if ":" in line.split(None, 1)[0] else line


def _bad_line(lines: Sequence[str], numbers: Sequence[int]) -> MalformedPayload:
    """The error that names the first line that can't be read, of lines that can't.

    Halves are tried, so that all in all no more is read than as many lines again.
    """
    first, behind = 0, len(lines)
    while behind - first > 1:
        middle = (first + behind) // 2
        if _load(lines[first:middle]) is None:
            behind = middle
        else:
            first = middle
    return MalformedPayload(
        f"line {numbers[first]} is not of the form `label index:value …` with indices that start "
        f"at 1 and rise: {quote(lines[first])}",
        row=first + 1,
    )


def _widen(matrix: Any, signature: Signature | None) -> Any:
    """A matrix as wide as the model takes it: a row's last features may be left out as zeros.

    Raises:
        UnprocessablePayload: a row has a feature that the model lacks; names both.
    """
    if signature is None:
        return matrix
    width = len(signature.inputs)
    beyond = np.flatnonzero(matrix.indices >= width)
    if len(beyond):
        row = int(np.searchsorted(matrix.indptr, beyond[0], side="right"))
        index = int(matrix.indices[beyond[0]]) + 1
        raise UnprocessablePayload(
            f"row {row} has feature {index}, the model takes {width}", row=row, column=index
        )
    return sparse.csr_matrix(
        (matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], width)
    )


def _matrix_of(prediction: Any) -> Any:
    if sparse.issparse(prediction):
        return prediction.tocsr()
    array = np.atleast_1d(to_array(prediction))
    try:
        numbers = array.astype(np.float64)
    except (ValueError, TypeError):
        raise NotAcceptable("text/libsvm holds numbers only; text/csv can hold text") from None
    if array.dtype.kind in "US" or numbers.ndim > 2:
        raise NotAcceptable("text/libsvm holds a table of numbers only; application/json any")
    return sparse.csr_matrix(numbers if numbers.ndim == 2 else numbers.reshape(-1, 1))


def _dump(matrix: Any) -> str:
    """The lines of a matrix; the label, which nothing is known of, is 0."""
    lines = []
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        pairs = zip(matrix.indices[start:end], matrix.data[start:end].tolist(), strict=True)
        features = (f" {index + 1}:{value!r}" for index, value in sorted(pairs))
        lines.append(f"0{''.join(features)}\n")
    return "".join(lines)
