"""application/x-npz: one array as numpy.savez writes it, or a matrix as scipy's save_npz does."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from contract.errors import MalformedPayload, PayloadTooLarge
from contract.signature import Signature
from handler.codecs.codec import Decoded, Envelope, check_unpacked
from handler.codecs.media_types import MediaType
from handler.codecs.numpy_npy import load_array, to_rows
from handler.codecs.predictions import to_plain_array

# What zipfile and the decompressors raise on damaged archives.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, KeyError),
    *(NotImplementedError, OSError, OverflowError, RuntimeError, ValueError),
)


class NumpyNpz:
    media_types: ClassVar[tuple[str, ...]] = ("application/x-npz",)
    requires: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def read(body: bytes, media_type: MediaType, signature: Signature | None) -> Decoded:
        arrays = _load_members(body)
        if "format" in arrays and "shape" in arrays:
            return Decoded(_load_sparse(body, arrays))
        if len(arrays) != 1:
            raise MalformedPayload(
                f"the archive holds {len(arrays)} arrays ({', '.join(arrays)[:100]}); send one"
            )
        return Decoded(to_rows(next(iter(arrays.values())), signature))

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        stream = io.BytesIO()
        if sparse.issparse(prediction):
            sparse.save_npz(stream, prediction.tocsr())
        else:
            np.savez_compressed(stream, data=to_plain_array(prediction))
        return stream.getvalue()


def _load_members(body: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of an archive by name.

    Raises:
        MalformedPayload: it is no archive of arrays, or one of them needs unpickling.
        PayloadTooLarge: they would unpack to more bytes than allowed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            check_unpacked(sum(member.file_size for member in members))
            # No member yields more bytes than its entry announces: zipfile stops there.
            return {
                member.filename.removesuffix(".npy"): load_array(
                    archive.read(member), f"member {member.filename[:60]!r}"
                )
                for member in members
            }
    except _BROKEN as error:
        raise MalformedPayload(f"the body is no npz archive: {error}") from None


def _load_sparse(body: bytes, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The sparse matrix of an archive whose members have been checked, in CSR format.

    Raises:
        MalformedPayload: the members do not make up a matrix, or its indices lead outside it.
        PayloadTooLarge: it announces more rows than a body may hold.
    """
    shape = arrays["shape"]
    if shape.dtype.kind not in "iu" or shape.shape != (2,) or (shape < 0).any():
        raise MalformedPayload('member "shape" of the sparse matrix must be two sizes')
    rows = int(shape[0])
    try:
        check_unpacked(8 * rows)
    except PayloadTooLarge:
        raise PayloadTooLarge(f"the sparse matrix announces {rows} rows, too many") from None
    try:
        matrix = sparse.load_npz(io.BytesIO(body))
        if hasattr(matrix, "check_format"):  # Indices out of range would crash the process.
            matrix.check_format(full_check=True)
        return matrix.tocsr()
    except (*_BROKEN, TypeError, AttributeError) as error:
        raise MalformedPayload(f"the body is no sparse matrix: {error}") from None
