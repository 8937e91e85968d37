"""Sparse records, as SageMaker's own algorithms write them: keys beside the values."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.sparse

from handler.codecs.all_content_types import decode
from tests.codecs.samples import POSITIONS, refusal

RECORDIO = "application/x-recordio-protobuf"


def record(values: Sequence[float], keys: Sequence[int], width: int | None) -> bytes:
    from sagemaker_training.record_pb2 import Record

    one = Record()
    tensor = one.features["values"].float64_tensor
    tensor.values.extend(values)
    tensor.keys.extend(keys)
    if width:
        tensor.shape.append(width)
    frame = one.SerializeToString()
    return struct.pack("<II", 0xCED7230A, len(frame)) + frame + b"\0" * (-len(frame) % 4)


@pytest.mark.parametrize("width", [3, None])
def test_a_sparse_body_is_a_sparse_matrix(width: int | None) -> None:
    """As wide as the records say, or else as the model takes it; keys may come in any order."""
    body = record([5.0, 4.0], [2, 0], width) + record([], [], width) + record([6.0], [1], width)

    data = decode(body, RECORDIO, POSITIONS).data

    assert scipy.sparse.issparse(data)
    np.testing.assert_array_equal(data.toarray(), [[4, 0, 5], [0, 0, 0], [0, 6, 0]])


@pytest.mark.parametrize(("values", "keys"), [([1.0], [3]), ([1.0, 2.0], [1, 1]), ([1.0], [0, 1])])
def test_keys_that_fit_no_column(values: list[float], keys: list[int]) -> None:
    """The record is named: a key is too large, comes twice, or lacks its value."""
    error = refusal(record([1.0], [0], 3) + record(values, keys, 3), RECORDIO, POSITIONS)

    assert (error.status, error.row) == (400, 2)
    assert "record 2 must have one key below 3 for each value" in error.detail
