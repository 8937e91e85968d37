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

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.budget import NUMBER, STORED, Budget
from handler.codecs.charset import quote
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.media_types import MediaType
from handler.codecs.numpy_npy import check_header, native, read_array, to_rows
from handler.codecs.predictions import to_plain_array

# What zipfile and the decompressors raise on damaged archives.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, KeyError),
    *(NotImplementedError, OSError, OverflowError, RuntimeError, ValueError),
)
# What begins each entry of an archive's directory; data seldom holds it by chance.
_ENTRY = b"PK\x01\x02"
_MOST_ENTRIES = 256
# The members by which a sparse matrix is known.
_IS_SPARSE = frozenset({"format", "shape"})


class NumpyNpz:
    media_types: ClassVar[tuple[str, ...]] = ("application/x-npz",)
    requires: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        arrays = _load_members(body, budget)
        if arrays.keys() >= _IS_SPARSE:
            return Decoded(_to_csr(arrays, budget))
        return Decoded(to_rows(next(iter(arrays.values())), signature, budget))

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


def _load_members(body: bytes, budget: Budget) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of an archive by name: a single one, or those of a sparse matrix.

    Raises:
        MalformedPayload: it is no archive of such, or one of them needs unpickling.
        PayloadTooLarge: they would take more memory than allowed.
    """
    if body.count(_ENTRY) > _MOST_ENTRIES:
        raise MalformedPayload("the archive holds hundreds of arrays; send one")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = {_name_of(member): member for member in archive.infolist()}
            if len(members) != 1 and not members.keys() >= _IS_SPARSE:
                shown = quote(", ".join(members))
                raise MalformedPayload(
                    f"the archive holds {len(members)} arrays ({shown}); send one"
                )
            # All of them, before the first is unpacked.
            budget.memory(sum(member.file_size for member in members.values()))
            budget.memory(sum(_check(archive, member, budget) for member in members.values()))
            return {name: _load(archive, member) for name, member in members.items()}
    except _BROKEN as error:
        raise MalformedPayload(f"the body is no npz archive: {quote(error)}") from None


def _name_of(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _check(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> int:
    """Look at what a member announces; the bytes of memory that it takes.

    Raises:
        MalformedPayload: it is no array, or is packed as numpy never packs.
        PayloadTooLarge: it would take more memory than allowed.
    """
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks what numpy never writes, such as lzma, in pieces without a bound.
        raise MalformedPayload(
            f"{_place(member)} is packed by another method than numpy's: send it deflated or as it "
            "is"
        )
    with archive.open(member) as stream:
        return check_header(stream, member.file_size, _place(member), budget)  # type: ignore[arg-type]


def _load(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    # No member yields more bytes than its entry announces: zipfile stops there.
    with archive.open(member) as stream:
        array = read_array(stream, _place(member))  # type: ignore[arg-type]
        stream.read(1)  # Compares the checksum, which it does at the end alone.
        return native(array, _place(member))


def _place(member: zipfile.ZipInfo) -> str:
    return f"member {quote(member.filename)}"


def _to_csr(arrays: dict[str, np.ndarray[Any, Any]], budget: Budget) -> Any:
    """The sparse matrix of an archive whose members have been checked, in CSR format.

    Raises:
        MalformedPayload: the members do not make up a matrix, or its indices lead outside it.
        PayloadTooLarge: it announces more rows or columns than allowed, or would take more memory.
    """
    shape = arrays["shape"]
    if shape.dtype.kind not in "iu" or shape.shape != (2,) or (shape < 0).any():
        raise MalformedPayload('member "shape" of the sparse matrix must be two sizes')
    rows, columns = map(int, shape)
    budget.table(rows, columns, cell=0)
    stored = arrays["data"].size if "data" in arrays else 0
    budget.memory(rows * NUMBER + columns * NUMBER + stored * STORED)
    try:
        matrix = _matrix(arrays, (rows, columns))
        if hasattr(matrix, "check_format"):  # Indices out of range would crash the process.
            matrix.check_format(full_check=True)
        return matrix.tocsr()
    except (*_BROKEN, TypeError, AttributeError, IndexError) as error:
        raise MalformedPayload(f"the body is no sparse matrix: {quote(error)}") from None


def _matrix(arrays: dict[str, np.ndarray[Any, Any]], shape: tuple[int, int]) -> Any:
    """The matrix in its own format, as scipy's load_npz makes it of the members.

    Raises:
        KeyError: a member is missing.
        ValueError: the members don't fit, or the format is unknown.
    """
    form = arrays["format"].item()
    form = form.decode("ascii") if isinstance(form, bytes) else str(form)
    kind = "array" if arrays.get("_is_array") is not None else "matrix"
    if form not in ("csr", "csc", "bsr", "dia", "coo"):
        raise ValueError("its format is unknown")
    data = arrays["data"]
    if data.dtype.kind not in "biufc":
        raise ValueError("it holds no numbers")
    make = getattr(sparse, f"{form}_{kind}")
    if form == "dia":
        return make((data, arrays["offsets"]), shape=shape)
    if form == "coo" and "coords" in arrays:
        return make((data, tuple(arrays["coords"])), shape=shape)
    if form == "coo":
        return make((data, (arrays["row"], arrays["col"])), shape=shape)
    return make((data, arrays["indices"], arrays["indptr"]), shape=shape)
