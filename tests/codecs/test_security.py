"""Nothing that arrives is unpickled, and nothing unpacks without bound."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from scipy import sparse

from contract.errors import InvocationError
from handler.codecs import decode, readable

from .samples import POSITIONS, npy, npz, refusal, sparse_npz


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def objects(trap: Trap) -> Any:
    array = np.empty((1, 3), dtype=object)
    array[:] = [[trap, trap, trap]]
    return array


def test_the_trap_works(tmp_path: Path) -> None:
    """The payload of these tests would leave its mark."""
    np.load(io.BytesIO(npy(objects(Trap(tmp_path / "x")), allow_pickle=True)), allow_pickle=True)

    assert (tmp_path / "x").exists()


@pytest.mark.parametrize("content_type", readable())
def test_no_codec_unpickles(content_type: str, tmp_path: Path) -> None:
    """Pickles in every wrapping are refused and never run."""
    trap = Trap(tmp_path / "x")
    member = npy(objects(trap), allow_pickle=True)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("data.npy", member)
        archive.writestr("pickle", pickle.dumps(trap))
    sparse_members = npz(
        data=objects(trap), row=np.zeros(3), col=np.zeros(3), format=b"coo", shape=(1, 3)
    )

    for body in (member, pickle.dumps(trap), stream.getvalue(), sparse_members):
        assert refusal(body, content_type, POSITIONS).status in (400, 422)

    assert not (tmp_path / "x").exists()


@pytest.mark.filterwarnings(
    "ignore:pickle-based:RuntimeWarning", "ignore:pyarrow.PyExt:FutureWarning"
)
def test_a_pickled_parquet_extension_type_is_not_loaded(tmp_path: Path) -> None:
    """Arrow once unpickled such a type from a file's schema (CVE-2023-47248)."""
    field = pa.field(
        "a",
        pa.int64(),
        metadata={
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": pickle.dumps(Trap(tmp_path / "x")),
        },
    )
    stream = io.BytesIO()
    pq.write_table(pa.table([pa.array([1])], schema=pa.schema([field])), stream)

    with contextlib.suppress(InvocationError):
        decode(stream.getvalue(), "application/x-parquet", None)

    assert not (tmp_path / "x").exists()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3)}\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3)}\n",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,)}\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1, 3)}\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 3)}\n",
        "{" * 9000 + "\n",
    ],
)
def test_a_lying_npy_header_allocates_nothing(text: str) -> None:
    """The shape is held against the bytes that are there before any memory is asked for."""
    body = header(text) + b"\0" * 16

    assert refusal(body, "application/x-npy", POSITIONS).status == 400


def test_half_a_surrogate_pair_in_an_array_is_refused() -> None:
    """It is no text, and would fail wherever it is encoded."""
    error = refusal(npy(np.array([["\ud800", "a", "b"]])), "application/x-npy", POSITIONS)

    assert error.status == 400


def test_bytes_after_an_array_are_refused() -> None:
    """An array followed by something else is not what its header says."""
    error = refusal(npy(np.ones((1, 3))) + b"more", "application/x-npy", POSITIONS)

    assert error.status == 400


def test_an_npz_bomb_is_refused() -> None:
    """A small archive that unpacks to more than a gibibyte is too large."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("data.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(1100):
            member.write(b"\0" * 2**20)

    assert refusal(stream.getvalue(), "application/x-npz", POSITIONS).status == 413


def test_an_npz_that_understates_its_size_is_refused() -> None:
    """What an entry holds beyond its announced size is never unpacked."""
    body = bytearray(npz(x=np.zeros((100_000, 3))))
    size = struct.pack("<I", len(npy(np.zeros((100_000, 3)))))
    body = body.replace(size, struct.pack("<I", 1000))

    assert refusal(bytes(body), "application/x-npz", POSITIONS).status == 400


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"indices": [7], "indptr": [0, 1], "shape": (1, 3)}, 400),
        ({"indices": [-1], "indptr": [0, 1], "shape": (1, 3)}, 400),
        ({"indices": [0], "indptr": [0, 9], "shape": (1, 3)}, 400),
        ({"indices": [0], "indptr": [0, 1], "shape": (10**12, 3)}, 413),
        ({"indices": [0], "indptr": [0, 1], "shape": (-1, 3)}, 400),
        ({"indices": [0], "indptr": [0, 1], "shape": "x"}, 400),
    ],
)
def test_a_sparse_matrix_with_indices_astray_is_refused(
    members: dict[str, Any], status: int
) -> None:
    """Indices outside the matrix would read and write outside its memory."""
    body = npz(format=b"csr", data=np.ones(1), **{k: np.asarray(v) for k, v in members.items()})

    assert refusal(body, "application/x-npz", POSITIONS).status == status


def test_a_sparse_matrix_of_a_trillion_rows_is_refused() -> None:
    """A few bytes may announce any number of empty rows."""
    matrix = sparse.coo_matrix(([1.0], ([0], [0])), shape=(10**12, 3))

    assert refusal(sparse_npz(matrix), "application/x-npz", POSITIONS).status == 413


@pytest.mark.parametrize("rows", [1_000_000, 2_000_000_000])
def test_a_parquet_bomb_is_refused(rows: int) -> None:
    """Text that repeats, and rows that repeat, pack into a few bytes."""
    stream = io.BytesIO()
    if rows > 10**9:
        table = pa.table({"a": pa.nulls(10**7, pa.int8())})
        with pq.ParquetWriter(stream, table.schema) as writer:
            for _ in range(120):
                writer.write_table(table)
    else:
        column = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["x" * 100_000])
        )
        pq.write_table(pa.table({"a": column}), stream, compression="zstd")

    assert refusal(stream.getvalue(), "application/x-parquet", None).status == 413


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"instances":['])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    """A document nested without end is refused by its marks, no exhausted stack."""
    assert refusal(opening * 200_000, "application/json", POSITIONS).status == 413
    assert refusal(opening * 200_000, "application/jsonlines", POSITIONS).status == 413


def test_a_long_text_beside_many_numbers_takes_no_more_than_itself() -> None:
    """numpy would make every cell as wide as the longest text."""
    row = b"[" + b",".join([b"1"] * 20_000) + b"]"
    body = b"[" + b",".join([row] * 5) + b',["' + b"x" * 10_000_000 + b'"' + b",1" * 19_999 + b"]]"

    data = decode(body, "application/json", None).data

    assert data.shape == (6, 20_000)
