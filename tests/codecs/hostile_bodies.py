"""Bodies that cost far more than their size, each made by a function: small on the wire, large or
slow once read.

Needs nothing of the tests: the child process that reads them imports it, too.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

MB = 1024**2
JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
NPY, NPZ, SVM = "application/x-npy", "application/x-npz", "text/libsvm"
PARQUET, RECORDIO = "application/vnd.apache.parquet", "application/x-recordio-protobuf"

BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {}


def body(content_type: str, name: str | None = None) -> Callable[..., Any]:
    def add(make: Callable[[], bytes]) -> Callable[[], bytes]:
        BODIES[name or make.__name__] = (content_type, make)
        return make

    return add


# NPZ


def _npy_header(shape: str, descr: str = "<f8", fortran: bool = False) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def _archive(method: int, size: int, shape: str, descr: str = "<f8", members: int = 1) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for number in range(members):
            with archive.open(f"m{number}.npy", "w", force_zip64=True) as member:
                member.write(_npy_header(shape, descr))
                for _ in range(size // (16 * MB)):
                    member.write(b"\0" * (16 * MB))
    return stream.getvalue()


@body(NPZ)
def npz_lzma() -> bytes:
    return _archive(zipfile.ZIP_LZMA, 64 * MB, f"({64 * MB // 8 // 3}, 3)")


@body(NPZ)
def npz_bzip2_understated() -> bytes:
    """A member that holds a thousand times what its entry says."""
    given = _archive(zipfile.ZIP_BZIP2, 64 * MB, "(1, 3)")
    size = struct.pack("<Q", 64 * MB + 128)
    made = given.replace(size, struct.pack("<Q", 24 + 128))
    return _with_sizes(made, 24 + 128)


@body(NPZ)
def npz_lzma_understated() -> bytes:
    return _with_sizes(_archive(zipfile.ZIP_LZMA, 64 * MB, "(1, 3)"), 24 + 128)


def _with_sizes(archive: bytes, size: int) -> bytes:
    """An archive whose directory gives another size for each member."""
    made = bytearray(archive)
    at = made.find(b"PK\x01\x02")
    while at >= 0:
        extra_at = at + 46 + struct.unpack_from("<H", made, at + 28)[0]
        if struct.unpack_from("<I", made, at + 24)[0] == 0xFFFFFFFF:
            struct.pack_into("<Q", made, extra_at + 4, size)
        else:
            struct.pack_into("<I", made, at + 24, size)
        at = made.find(b"PK\x01\x02", at + 4)
    return bytes(made)


@body(NPZ)
def npz_many_members() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.npy", _npy_header("(0, 3)"))
    return stream.getvalue()


@body(NPZ)
def npz_same_bytes_many_times() -> bytes:
    """Entries that all point at one member, as zip bombs without nesting do."""
    one = _archive(zipfile.ZIP_DEFLATED, 64 * MB, f"({64 * MB // 8}, 1)")
    at = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06") if b"PK\x06\x06" not in one else one.index(b"PK\x06\x06")
    entry = one[at:end]
    count = 200
    directory = entry * count
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), at, 0)
    return one[:at] + directory + tail


@body(NPZ)
def npz_text_of_one_letter() -> bytes:
    """Texts of zeros, which become a Python object each."""
    return _archive(zipfile.ZIP_DEFLATED, 512 * MB, f"({512 * MB // 4}, 1)", "<U1")


@body(NPZ)
def npz_booleans() -> bytes:
    return _archive(zipfile.ZIP_DEFLATED, 512 * MB, f"({512 * MB}, 1)", "|b1")


@body(NPZ)
def npz_sparse_wide() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        format=b"coo",
        shape=np.array([1, 10**12]),
        row=np.zeros(1, np.int64),
        col=np.zeros(1, np.int64),
        data=np.ones(1),
    )
    return stream.getvalue()


@body(NPZ)
def npz_sparse_tall() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        format=b"coo",
        shape=np.array([120_000_000, 3]),
        row=np.zeros(1, np.int64),
        col=np.zeros(1, np.int64),
        data=np.ones(1),
    )
    return stream.getvalue()


@body(NPZ)
def npz_sparse_dia() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        format=b"dia",
        shape=np.array([1_000_000, 1_000_000]),
        data=np.zeros((40, 1_000_000)),
        offsets=np.arange(40),
    )
    return stream.getvalue()


@body(NPZ)
def npz_sparse_bsr() -> bytes:
    """Blocks that are as large as the matrix."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        format=b"bsr",
        shape=np.array([3000, 3000]),
        data=np.zeros((8, 3000, 3000)),
        indices=np.zeros(8, np.int32),
        indptr=np.array([0, 8]),
    )
    return stream.getvalue()


# Parquet


def _parquet(table: Any, **options: Any) -> bytes:
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(table, stream, **{"compression": "zstd", **options})
    return stream.getvalue()


def _repeated(value: Any, kind: Any, rows: int, **options: Any) -> bytes:
    import pyarrow as pa

    part = pa.table({"a": pa.array([value] * 1_000_000, kind)})
    stream = io.BytesIO()
    from pyarrow import parquet

    with parquet.ParquetWriter(stream, part.schema, compression="zstd", **options) as writer:
        for _ in range(rows // 1_000_000):
            writer.write_table(part, row_group_size=1_000_000)
    return stream.getvalue()


@body(PARQUET)
def parquet_decimals() -> bytes:
    import decimal

    import pyarrow as pa

    return _repeated(decimal.Decimal("1.5"), pa.decimal128(38, 2), 10_000_000)


@body(PARQUET)
def parquet_texts() -> bytes:
    import pyarrow as pa

    return _repeated("ab", pa.string(), 50_000_000)


@body(PARQUET)
def parquet_booleans() -> bytes:
    import pyarrow as pa

    return _repeated(True, pa.bool_(), 200_000_000)


@body(PARQUET)
def parquet_booleans_with_a_gap() -> bytes:
    import pyarrow as pa

    table = pa.table({"a": pa.array([True] * 39_999_999 + [None])})
    return _parquet(table)


@body(PARQUET)
def parquet_dates() -> bytes:
    import datetime

    import pyarrow as pa

    return _repeated(datetime.date(2020, 1, 1), pa.date32(), 50_000_000)


@body(PARQUET)
def parquet_nulls() -> bytes:
    import pyarrow as pa

    return _repeated(None, pa.null(), 100_000_000)


@body(PARQUET)
def parquet_texts_all_null() -> bytes:
    import pyarrow as pa

    return _repeated(None, pa.string(), 100_000_000)


@body(PARQUET)
def parquet_integers_with_gaps() -> bytes:
    import pyarrow as pa

    table = pa.table({"a": pa.array([1] * 19_999_999 + [None], pa.int64())})
    return _parquet(table)


@body(PARQUET)
def parquet_times() -> bytes:
    import pyarrow as pa

    return _repeated(1, pa.time64("us"), 30_000_000)


@body(PARQUET)
def parquet_long_text() -> bytes:
    import pyarrow as pa

    return _parquet(pa.table({"a": pa.array(["x" * (500 * MB)])}))


@body(PARQUET)
def parquet_long_text_in_a_dictionary() -> bytes:
    import pyarrow as pa

    column = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(100_000, dtype=np.int32)), pa.array(["x" * 100_000])
    )
    return _parquet(pa.table({"a": column}))


@body(PARQUET)
def parquet_many_columns() -> bytes:
    import pyarrow as pa

    names = [str(n) for n in range(30_000)]
    return _parquet(pa.table({name: pa.array([1.0]) for name in names}))


@body(PARQUET)
def parquet_many_row_groups() -> bytes:
    import pyarrow as pa

    table = pa.table({"a": pa.array(np.zeros(20_000)), "b": pa.array(np.zeros(20_000))})
    return _parquet(table, row_group_size=1)


@body(PARQUET)
def parquet_nested() -> bytes:
    import pyarrow as pa

    return _parquet(pa.table({"a": pa.array([[[1]]] * 1000), "b": pa.array([{"x": 1}] * 1000)}))


@body(PARQUET)
def parquet_pages_that_lie() -> bytes:
    """A footer that gives a thousandth of what its columns unpack to."""
    import pyarrow as pa

    rows = 40_000_000
    made = bytearray(_parquet(pa.table({"a": pa.array(np.zeros(rows))}), use_dictionary=False))
    return bytes(made)


# CSV


@body(CSV)
def csv_million_columns() -> bytes:
    return b",".join([b"1"] * 1_000_000) + b"\n"


@body(CSV)
def csv_million_columns_two_rows() -> bytes:
    return csv_million_columns() * 2


@body(CSV)
def csv_million_texts() -> bytes:
    return b",".join([b"a"] * 1_000_000) + b"\n"


@body(CSV)
def csv_commas() -> bytes:
    return b"," * (48 * MB)


@body(CSV)
def csv_commas_in_lines() -> bytes:
    return (b"," * 9 + b"\n") * (10 * MB)


@body(CSV)
def csv_empty_quoted() -> bytes:
    return b'"",' * (16 * MB)


@body(CSV)
def csv_empty_quoted_lines() -> bytes:
    return b'""\n' * (16 * MB)


@body(CSV)
def csv_open_quote() -> bytes:
    return b'1,"' + b"2,3\n" * (12 * MB)


@body(CSV)
def csv_open_quote_last() -> bytes:
    return b"1,2,3\n" * (16 * MB) + b'1,"2,3\n'


@body(CSV)
def csv_ones() -> bytes:
    return b"1\n" * (24 * MB)


@body(CSV)
def csv_letters() -> bytes:
    return b"a\n" * (24 * MB)


@body(CSV)
def csv_blank_lines() -> bytes:
    return b"1,2\n" + b"\n" * (48 * MB)


@body(CSV)
def csv_carriage_returns() -> bytes:
    return b"1,2\n" + b"\r" * (48 * MB)


@body(CSV)
def csv_one_cell() -> bytes:
    return b"x" * (48 * MB)


@body(CSV)
def csv_digits() -> bytes:
    return b"1" * (20 * MB)


@body(CSV)
def csv_last_row_is_ragged() -> bytes:
    return b"1,2,3\n" * (16 * MB) + b"1,2\n"


@body(CSV)
def csv_last_cell_is_text() -> bytes:
    return b"1,2,3\n" * (16 * MB) + b"1,2,x\n"


@body(CSV)
def csv_utf16() -> bytes:
    return ("1,2,3\n" * (8 * MB)).encode("utf-16")


@body(CSV)
def csv_astral() -> bytes:
    """One character that needs four bytes makes four of every other."""
    return b"a,b\n" * (24 * MB) + "\U0001f600,b\n".encode()


@body(CSV)
def csv_header_of_many_alike() -> bytes:
    return b",".join([b"n%d" % n for n in range(100_000)]) + b"\n" + b",".join([b"1"] * 100_000)


# JSON


@body(JSON)
def json_million_columns() -> bytes:
    return b"[[" + b",".join([b"1"] * 1_000_000) + b"]]"


@body(JSON)
def json_million_columns_mixed() -> bytes:
    return b'[["a",' + b",".join([b"1"] * 1_000_000) + b"]]"


@body(JSON)
def json_million_members() -> bytes:
    return json.dumps([{f"k{n}": 1 for n in range(1_000_000)}]).encode()


@body(JSON)
def json_split_million_columns() -> bytes:
    wide = 1_000_000
    return json.dumps({"columns": list(range(wide)), "data": [[1] * wide]}).encode()


@body(JSON)
def json_empty_lists() -> bytes:
    return b"[" + b",".join([b"[]"] * (16 * MB)) + b"]"


@body(JSON)
def json_empty_records() -> bytes:
    return b"[" + b",".join([b"{}"] * (16 * MB)) + b"]"


@body(JSON)
def json_small_records() -> bytes:
    return b"[" + b",".join([b'{"a":1}'] * (12 * MB)) + b"]"


@body(JSON)
def json_small_rows() -> bytes:
    return b"[" + b",".join([b"[1.5]"] * (16 * MB)) + b"]"


@body(JSON)
def json_values() -> bytes:
    return b"[" + b"1," * (49 * MB) + b"1]"


@body(JSON)
def json_texts() -> bytes:
    return b"[" + b'"ab",' * (20 * MB) + b'"ab"]'


@body(JSON)
def json_deep() -> bytes:
    return b"[" * (24 * MB)


@body(JSON)
def json_deep_closed() -> bytes:
    return b"[" * 100_000 + b"]" * 100_000


@body(JSON)
def json_deep_objects() -> bytes:
    return b'{"a":' * 10_000_000 + b"1" + b"}" * 10_000_000


@body(JSON)
def json_deep_1000() -> bytes:
    return b"[" * 1000 + b"]" * 1000


@body(JSON)
def json_huge_number() -> bytes:
    return b"[" + b"1" * (20 * MB) + b"]"


@body(JSON)
def json_many_huge_numbers() -> bytes:
    return b"[" + b",".join([b"1" * 4000] * 2500) + b"]"


@body(JSON)
def json_huge_exponents() -> bytes:
    return b"[" + b",".join([b"1e999999"] * MB) + b"]"


@body(JSON)
def json_nans() -> bytes:
    return b"[" + b",".join([b"NaN"] * (10 * MB)) + b"]"


@body(JSON)
def json_one_text() -> bytes:
    return b'["' + b"x" * (48 * MB) + b'"]'


@body(JSON)
def json_duplicates() -> bytes:
    return b"{" + b'"a":1,' * (5 * MB) + b'"a":1}'


@body(JSON)
def json_escapes() -> bytes:
    return b'["' + b"\\ud800" * (10 * MB) + b'"]'


@body(JSON)
def json_sparse_wide() -> bytes:
    one = {"data": {"features": {"keys": [0], "shape": [10**9], "values": [1.5]}}}
    return json.dumps(one).encode()


@body(JSON)
def json_sparse_wide_dense() -> bytes:
    one = {"features": {"keys": [0], "shape": [100_000], "values": [1.5]}}
    return json.dumps([one] * 1000).encode()


@body(JSON)
def json_sparse_2_64() -> bytes:
    one = {"data": {"features": {"keys": [0], "shape": [2**64], "values": [1.5]}}}
    return json.dumps(one).encode()


@body(JSON)
def json_unlike_records() -> bytes:
    """Each record with members of its own."""
    return json.dumps([{f"k{n}": 1} for n in range(500_000)]).encode()


@body(JSON)
def json_tensor_nested() -> bytes:
    data = "[" * 500 + ",".join(["1"] * 1_000_000) + "]" * 500
    return (
        '{"inputs":[{"name":"a","shape":[1000000,1],"datatype":"FP64","data":' + data + "}]}"
    ).encode()


@body(JSON)
def json_tensor_empty_shape() -> bytes:
    return b'{"inputs":[{"name":"a","shape":[0,1000000000000],"datatype":"FP64","data":[]}]}'


@body(JSON)
def json_many_tensors() -> bytes:
    one = '{"name":"%d","shape":[1],"datatype":"FP64","data":[1]}'
    return ('{"inputs":[' + ",".join(one % n for n in range(100_000)) + "]}").encode()


@body(JSON)
def json_indexed_columns() -> bytes:
    return json.dumps({f"c{n}": {"0": 1} for n in range(200_000)}).encode()


# JSON Lines


@body(LINES)
def lines_ones() -> bytes:
    return b"1\n" * (25 * 1000 * 1000)


@body(LINES)
def lines_empty_lists() -> bytes:
    return b"[]\n" * (16 * MB)


@body(LINES)
def lines_records() -> bytes:
    return b'{"a":1}\n' * (12 * MB)


@body(LINES)
def lines_last_is_bad() -> bytes:
    return b"[1,2,3]\n" * (12 * MB) + b"[1,2\n"


@body(LINES)
def lines_blank() -> bytes:
    return b"1" + b"\n" * (48 * MB)


@body(LINES)
def lines_nan() -> bytes:
    return b"[NaN]\n" * (4 * MB)


# libsvm


@body(SVM)
def svm_last_is_bad() -> bytes:
    return b"0 1:1\n" * 1_000_000 + b"0 1:x\n"


@body(SVM)
def svm_huge_index() -> bytes:
    return b"0 2147483647:1\n"


@body(SVM)
def svm_index_beyond() -> bytes:
    return b"0 99999999999999999999:1\n"


@body(SVM)
def svm_wide_rows() -> bytes:
    return b"0 100000:1\n" * 100_000


@body(SVM)
def svm_small_lines() -> bytes:
    return b"0\n" * (24 * MB)


@body(SVM)
def svm_dense_line() -> bytes:
    return b"0 " + b" ".join(b"%d:1" % n for n in range(1, 5_000_000)) + b"\n"


@body(SVM)
def svm_comment() -> bytes:
    return b"0 1:1 " + b"#" * (24 * MB)


@body(SVM)
def svm_qid() -> bytes:
    return b"0 qid:1 1:1\n" * 1_000_000


# RecordIO


def _record(payload: bytes) -> bytes:
    return struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def _protobuf(values: list[float], keys: list[int], shape: list[int]) -> bytes:
    from sagemaker_training.record_pb2 import Record

    record = Record()
    tensor = record.features["values"].float32_tensor
    tensor.values.extend(values)
    tensor.keys.extend(keys)
    tensor.shape.extend(shape)
    return bytes(record.SerializeToString())


@body(RECORDIO)
def recordio_small_records() -> bytes:
    return _record(_protobuf([1.0], [], [])) * 500_000


@body(RECORDIO)
def recordio_sparse_records() -> bytes:
    return _record(_protobuf([1.0], [0], [3])) * 500_000


@body(RECORDIO)
def recordio_shape_2_64() -> bytes:
    return _record(_protobuf([1.0], [0], [2**64 - 1]))


@body(RECORDIO)
def recordio_key_2_63() -> bytes:
    return _record(_protobuf([1.0], [2**63], [2**64 - 1]))


@body(RECORDIO)
def recordio_wide() -> bytes:
    return _record(_protobuf([1.0], [0], [100_000_000]))


@body(RECORDIO)
def recordio_wide_records() -> bytes:
    return _record(_protobuf([1.0], [0], [100_000])) * 10_000


@body(RECORDIO)
def recordio_empty_records() -> bytes:
    return _record(b"") * 5_000_000


@body(RECORDIO)
def recordio_no_columns() -> bytes:
    return _record(_protobuf([], [], [])) * 1_000_000


@body(RECORDIO)
def recordio_nested_protobuf() -> bytes:
    inner = b""
    for _ in range(3000):
        inner = b"\x0a" + _varint(len(inner)) + inner
    return _record(inner)


@body(RECORDIO)
def recordio_length_that_lies() -> bytes:
    return _record(b"\x0a\xff\xff\xff\x7f" + b"x" * 100)


def _varint(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


# NPY


@body(NPY)
def npy_huge_header() -> bytes:
    text = b"{'descr': [" + b"('a', '<f8'), " * 3_000_000 + b"], 'shape': (1,)}\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text


@body(NPY)
def npy_zero_size() -> bytes:
    return _npy_header("(1000000000000, 0)")


@body(NPY)
def npy_zero_rows() -> bytes:
    return _npy_header("(0, 1000000000000)")


@body(NPY)
def npy_true_in_shape() -> bytes:
    return _npy_header("(True, 3)") + b"\0" * 24


@body(NPY)
def npy_many_fields() -> bytes:
    array = np.zeros(1, dtype=[(f"f{n}", "<f8") for n in range(5000)])
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@body(NPY)
def npy_booleans() -> bytes:
    return _npy_header(f"({48 * MB}, 1)", "|b1") + b"\0" * (48 * MB)


@body(NPY)
def npy_bytes() -> bytes:
    return _npy_header(f"({24 * MB}, 1)", "|S1") + b"a" * (24 * MB)


@body(NPY)
def npy_empty_texts() -> bytes:
    return _npy_header("(100000000, 1)", "<U0")


@body(NPY)
def npy_text_beyond_unicode() -> bytes:
    return _npy_header("(1, 3)", "<U1") + struct.pack("<3I", 0x7FFFFFFF, 65, 65)


@body(NPY)
def npy_half_floats() -> bytes:
    return _npy_header(f"({24 * MB}, 1)", "<f2") + b"\0" * (48 * MB)


@body(NPY)
def npy_fortran() -> bytes:
    return _npy_header(f"({4 * MB}, 3)", "<f8", True) + b"\0" * (96 * MB)


@body(NPY)
def npy_big_endian() -> bytes:
    return _npy_header(f"({4 * MB}, 3)", ">f8") + b"\0" * (96 * MB)


@body(NPY)
def npy_weeks() -> bytes:
    return _npy_header("(3, 1)", "<M8[W]") + struct.pack("<3q", 2**62, -(2**62), 5)


@body(NPY)
def npy_years() -> bytes:
    return _npy_header("(3, 1)", "<M8[Y]") + struct.pack("<3q", 2**62, -(2**62), 5)


@body(NPY)
def npy_attoseconds() -> bytes:
    return _npy_header("(3, 1)", "<M8[as]") + struct.pack("<3q", 2**62, -(2**62), 5)


@body(NPY)
def npy_spans_of_years() -> bytes:
    return _npy_header("(3, 1)", "<m8[Y]") + struct.pack("<3q", 2**62, -(2**62), 5)


@body(NPY)
def npy_odd_unit() -> bytes:
    return _npy_header("(3, 1)", "<M8[25s]") + struct.pack("<3q", 2**62, -(2**62), 5)


# What is compressed as a whole is refused by its header; by its bytes, it is garbage.


@body(CSV)
def csv_gzip() -> bytes:
    return gzip.compress(b"1,2,3\n" * MB)


@body(CSV)
def csv_bzip2() -> bytes:
    return bz2.compress(b"1,2,3\n" * MB)


@body(JSON)
def json_xz() -> bytes:
    return lzma.compress(b"[1,2,3]" * MB)
