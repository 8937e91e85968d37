"""application/x-recordio-protobuf: the records of SageMaker's built-in algorithms."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from contract.errors import MalformedPayload, NotAcceptable
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.media_types import MediaType
from handler.codecs.predictions import to_plain_array
from handler.codecs.sparse_rows import SparseRows

_MAGIC = 0xCED7230A
_FEATURES = "values"
# Bytes that a record's takes once it is parsed: whole numbers may have one byte in it, and eight in
# an array.
_PARSED = 12
_TENSORS = ("float32_tensor", "float64_tensor", "int32_tensor")


class RecordIo:
    media_types: ClassVar[tuple[str, ...]] = ("application/x-recordio-protobuf",)
    # Only these two modules: sagemaker_training.environment would write files when imported.
    requires: ClassVar[tuple[str, ...]] = (
        "sagemaker_training.recordio",
        "sagemaker_training.record_pb2",
    )

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        rows = SparseRows()
        is_sparse = False
        for number, frame in enumerate(_frames(body), start=1):
            budget.rows(number)
            budget.memory(_PARSED * len(frame))
            tensor = _tensor(number, frame)
            is_sparse = is_sparse or bool(tensor.keys or tensor.shape)
            rows.add(tensor.keys, tensor.values, tensor.shape[0] if tensor.shape else None)
        return Decoded(rows.to_csr(signature, budget) if is_sparse else rows.to_array())

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        from sagemaker_training import recordio

        stream = io.BytesIO()
        if sparse.issparse(prediction):
            recordio._write_spmatrix_to_sparse_tensor(stream, prediction.tocsr().astype(float))
        else:
            recordio._write_numpy_to_dense_tensor(stream, _numbers(prediction))
        return stream.getvalue()


def _frames(body: bytes) -> Iterator[bytes]:
    """The records of a body, each without its frame: magic number, length, padding to 4 bytes.

    Raises:
        MalformedPayload: a frame is broken or cut short; names the row.
    """
    row, position = 1, 0
    while position < len(body):
        magic, length = struct.unpack_from("<II", body.ljust(position + 8, b"\0"), position)
        start, end = position + 8, position + 8 + length
        if magic != _MAGIC or end > len(body):
            fault = "does not start with RecordIO's magic number" if magic != _MAGIC else "is cut"
            raise MalformedPayload(f"record {row} {fault} (byte {position})", row=row)
        yield body[start:end]
        position = end + -length % 4
        row += 1


def _tensor(number: int, frame: bytes) -> Any:
    """The features of one record.

    Raises:
        MalformedPayload: it is no record, or one without features.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from sagemaker_training.record_pb2 import Record

    record = Record()
    try:
        record.ParseFromString(frame)
    except DecodeError:
        raise MalformedPayload(f"record {number} is no protobuf record", row=number) from None
    if _FEATURES in record.features:
        value = record.features[_FEATURES]
        kind = value.WhichOneof("value")
        if kind in _TENSORS:
            return getattr(value, kind)
    raise MalformedPayload(
        f'record {number} has no tensor of numbers named "{_FEATURES}" in its features', row=number
    )


def _numbers(prediction: Any) -> np.ndarray[Any, Any]:
    array = to_plain_array(prediction)
    if array.dtype.kind not in "biuf" or array.ndim > 2:
        raise NotAcceptable(
            "application/x-recordio-protobuf holds a table of numbers only; application/json any"
        )
    matrix = array.reshape(-1, 1) if array.ndim < 2 else array
    return matrix.astype(np.float32 if matrix.dtype == np.float32 else np.float64)
