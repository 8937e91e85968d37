"""What a body would unpack to is bounded before it is unpacked, in every format."""

from __future__ import annotations

import contextlib
import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from contract.body_limits import BodyLimits
from contract.columns import Column
from contract.errors import InvocationError, PayloadTooLarge
from contract.machine import MEBIBYTE
from contract.signature import Signature
from handler.codecs import Budget, decode, libsvm
from handler.codecs.column_table import as_frame
from handler.codecs.json_structure import structure_of
from handler.codecs.parquet_pages import unpacked_size
from handler.codecs.wide_frame import WIDE, frame_of

from .hostile_bodies import BODIES, CSV, JSON, LINES, NPY, NPZ, PARQUET, RECORDIO, SVM
from .reading import Reader, check_reading, started_reader
from .samples import NUMBERS, json_bytes, npy, parquet, recordio, refusal, take


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with started_reader(tmp_path_factory.mktemp("reading")) as process:
        yield process


# A part of them each time: the whole table takes a quarter of an hour.
EACH_TIME = {
    "npz_lzma",
    "npz_bzip2_understated",
    "npz_sparse_wide",
    "parquet_decimals",
    "parquet_texts",
    "parquet_nulls",
    "csv_million_texts",
    "csv_open_quote",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in EACH_TIME else pytest.mark.hostile) for name in BODIES],
)
def test_no_body_takes_more_than_ten_times_its_size(reader: Reader, name: str) -> None:
    """Whatever it unpacks to: it is answered, and the process that read it is still there."""
    content_type, make = BODIES[name]
    body = make()

    check_reading(reader.read(content_type, "unknown", body), body)


SMALL = [name for name in BODIES if not name.startswith(("csv_", "json_", "lines_", "svm_"))]


@pytest.mark.slow
@pytest.mark.hostile
@pytest.mark.parametrize("model", ["numbers", "integers", "dates", "sparse"])
@pytest.mark.parametrize("name", [name for name in SMALL if name.startswith(("npy_", "recordio_"))])
def test_what_a_model_takes_changes_no_bound(reader: Reader, name: str, model: str) -> None:
    """The type that the columns get costs no more than is allowed, either."""
    content_type, make = BODIES[name]
    body = make()

    check_reading(reader.read(content_type, model, body), body)


LIMITS = BodyLimits(rows=50, columns=20, cell=1000, nesting=5, unpacked=MEBIBYTE)
WIDE_ROW = ",".join(["1"] * 21).encode()
BEYOND = [
    (CSV, b"1,2\n" * 6000, "BYO_MAX_ROWS"),
    (CSV, b"1,2\n" * 51, "BYO_MAX_ROWS"),
    (CSV, WIDE_ROW + b"\n", "BYO_MAX_COLUMNS"),
    (CSV, WIDE_ROW + b"\n" + WIDE_ROW, "BYO_MAX_COLUMNS"),
    (CSV, b"x," * 10_000, "BYO_MAX_COLUMNS"),
    (CSV, b"x" * 1001 + b",1\n", "BYO_MAX_CELL_IN_MB"),
    (JSON, json_bytes([[1]] * 51), "BYO_MAX_ROWS"),
    (JSON, b"[[" + WIDE_ROW + b"]]", "BYO_MAX_COLUMNS"),
    (JSON, json_bytes([{f"c{at}": 1 for at in range(21)}]), "BYO_MAX_COLUMNS"),
    (JSON, b"[[[[[[1]]]]]]", "BYO_MAX_NESTING"),
    (JSON, b'{"instances": [{"a": {"b": {"c": {"d": 1}}}}]}', "BYO_MAX_NESTING"),
    (LINES, b"[1]\n" * 51, "BYO_MAX_ROWS"),
    (SVM, b"0 1:1\n" * 51, "BYO_MAX_ROWS"),
    (SVM, b"0 21:1\n", "BYO_MAX_COLUMNS"),
    (RECORDIO, recordio([[1.0]] * 51), "BYO_MAX_ROWS"),
    (NPY, npy(np.ones((51, 1))), "BYO_MAX_ROWS"),
    (NPY, npy(np.ones((1, 21))), "BYO_MAX_COLUMNS"),
    (PARQUET, parquet({"a": np.zeros(51)}), "BYO_MAX_ROWS"),
    (PARQUET, parquet({f"c{at}": [1.0] for at in range(21)}), "BYO_MAX_COLUMNS"),
    (PARQUET, parquet({"a": ["x" * 3_000_000]}), "BYO_MAX_UNPACKED_IN_MB"),
]


@pytest.mark.parametrize(("content_type", "body", "setting"), BEYOND)
def test_what_is_beyond_a_limit_names_its_setting(
    content_type: str, body: bytes, setting: str
) -> None:
    """Whoever serves the model can tell what to change."""
    with pytest.raises(PayloadTooLarge) as caught:
        decode(body, content_type, None, Budget(0, LIMITS))

    assert f"({setting})" in caught.value.detail


WIDTH = 100_000
ONES = b",".join([b"1"] * WIDTH)
WIDE_BODIES = [
    (CSV, (ONES + b"\n") * 3),
    (CSV, b",".join(b"n%d" % at for at in range(WIDTH)) + b"\n" + ONES + b"\n"),
    (JSON, b"[[" + ONES + b"],[" + ONES + b"]]"),
    (LINES, b"[" + ONES + b"]\n"),
    (NPY, npy(np.ones((2, WIDTH)))),
    (RECORDIO, recordio([[1.0] * WIDTH])),
]


@pytest.mark.parametrize(("content_type", "body"), WIDE_BODIES)
def test_a_hundred_thousand_columns_are_read(content_type: str, body: bytes) -> None:
    """Tables as wide as genes and words make them are data like any other."""
    data = decode(body, content_type, None).data

    assert data.shape[1] == WIDTH
    assert np.asarray(as_frame(data))[0].tolist() == [1.0] * WIDTH


@pytest.mark.parametrize(
    "columns",
    [
        [np.array([1.0, 2.0])] * (WIDE + 1),
        [np.array(["x", 1.0], dtype=object), *[np.array([1.0, np.nan])] * (WIDE + 1)],
        [*[np.array([1.0, 2.0])] * (WIDE + 1), np.array([True, False])],
    ],
)
def test_a_wide_frame_is_as_pandas_makes_it(columns: list[Any]) -> None:
    """Only faster: the same columns in the same order, of the same types."""
    names = [f"c{at}" for at in range(len(columns))]

    made = frame_of(names, columns)

    pd.testing.assert_frame_equal(made, pd.DataFrame(dict(zip(names, columns, strict=True))))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (b"[]", (1, 1, 0, 0, 0, 0)),
        (b'[[1, 2], {"a": [3]}]', (3, 3, 1, 2, 1, 1)),
        (b'["[[[[", 1, "]"]', (1, 1, 0, 2, 0, 2)),
        (b'["\\"[[[", "\\\\", [[1]]]', (3, 3, 0, 2, 0, 2)),
        (b'{"a,b": "c:d", "e": {"f": "}"}}', (2, 0, 2, 1, 3, 5)),
    ],
)
def test_the_marks_of_json_are_told_from_its_texts(text: bytes, counts: tuple[int, ...]) -> None:
    """What stands in a text is no structure."""
    found = structure_of(text)

    assert counts == (
        found.depth,
        found.lists,
        found.objects,
        found.commas,
        found.members,
        found.strings,
    )


LONG = "x" * 5000
QUOTING = [
    (JSON, json_bytes([{LONG: 1}, {"b": 2}])),
    (JSON, json_bytes([[1, {"a": LONG}]])),
    (JSON, json_bytes(LONG)),
    (JSON, json_bytes({"a\x00\x1b[31m": 1, "b": [1]})),
    (CSV, f"{LONG},{LONG}\n1,2\n".encode()),
    (CSV, b"a,b\n1,2,3\x1b\x00\n"),
    (SVM, b"0 1:" + LONG.encode()),
    (SVM, b"0 1:\x1b[2Jx"),
    (NPY, npy(np.zeros(1, dtype=[(LONG, "f8", (2,))]))),
]


@pytest.mark.parametrize(("content_type", "body"), QUOTING)
def test_an_error_is_one_short_line_whatever_the_body_holds(content_type: str, body: bytes) -> None:
    """It goes into logs, and to whoever called."""
    with pytest.raises(InvocationError) as caught:
        decode(body, content_type, None)

    said = {"status": caught.value.status, "memory": 0, "problem": caught.value.to_problem("-")}
    check_reading(said, body)


DATES = Signature((Column("a", "datetime", "datetime64[us]"),))
SPANS = Signature((Column("a", "duration", "timedelta64[ns]"),))
TOO_FAR = [
    (NPY, npy(np.array([2**62], dtype="M8[W]")), DATES),
    (NPY, npy(np.array([2**62], dtype="M8[Y]")), DATES),
    (NPY, npy(np.array([5], dtype="M8[ps]")), DATES),
    (NPY, npy(np.array([5], dtype="M8[25s]")), DATES),
    (NPY, npy(np.array([2**62], dtype="m8[W]")), SPANS),
    (JSON, b'[["' + b"T" * 100_000 + b'"]]', DATES),
    (CSV, b"P" + b"9" * 100_000 + b"D\n", SPANS),
    (CSV, b"9" * 5000 + b"\n", DATES),
]


@pytest.mark.parametrize(("content_type", "body", "signature"), TOO_FAR)
def test_a_date_that_no_model_has_is_refused(
    content_type: str, body: bytes, signature: Signature
) -> None:
    """It is neither made another date nor a bug, and is found at once."""
    error = refusal(body, content_type, signature)

    assert error.status in (400, 422), error.detail


@pytest.mark.parametrize("model", [None, NUMBERS])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, b"1" + b"\t" * 100_000 + b"x,1,2\n"),
        (CSV, b"1" * 5000 + b",1,2\n"),
        (JSON, b'[{"' + b"0" * 100_000 + b'x":1,"b":2,"c":3}]'),
        (JSON, b'[{"' + b"0" * 100_000 + b'":1,"b":2,"c":3}]'),
        (JSON, b"[[1" + b"0" * 5000 + b",1,2]]"),
    ],
)
def test_long_cells_and_names_take_no_longer_than_their_length(
    content_type: str, body: bytes, model: Signature | None
) -> None:
    """No pattern is tried from each character on: that would take hours."""
    with contextlib.suppress(InvocationError):
        take(body, content_type, model)


def test_the_first_bad_line_is_found_by_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """All in all no more lines are read again than there are."""
    lines: list[int] = []
    load = libsvm._load
    monkeypatch.setattr(libsvm, "_load", lambda some: lines.append(len(some)) or load(some))

    error = refusal(b"0 1:1\n" * 1000 + b"0 1:x\n", SVM, None)

    assert (error.status, error.row) == (400, 1001)
    assert sum(lines) <= 2 * 1001 + 20


def test_a_page_that_unpacks_to_more_than_its_footer_says_is_refused() -> None:
    """The headers of the pages are looked at, each of them, before the first is unpacked."""
    stream = io.BytesIO()
    table = pa.table({"a": pa.array(np.zeros(20_000_000))})
    pq.write_table(table, stream, compression="zstd", use_dictionary=False, data_page_size=2**30)
    body = stream.getvalue()
    metadata = pq.ParquetFile(io.BytesIO(body)).metadata

    assert unpacked_size(body, metadata) >= 160_000_000
    with pytest.raises(PayloadTooLarge, match="BYO_MAX_UNPACKED_IN_MB"):
        decode(body, PARQUET, None, Budget(0, BodyLimits(unpacked=64 * MEBIBYTE)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_packed_as_numpy_never_packs_is_refused(method: int) -> None:
    """zipfile would unpack each piece of it without a bound."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("data.npy", npy(np.zeros((2, 3))))

    error = refusal(stream.getvalue(), NPZ, None)

    assert (error.status, "deflated" in error.detail) == (400, True)


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_days_become_moments_without_an_object_for_each(kind: pa.DataType) -> None:
    """Millions of them fit into a small file; the model's moments are made of all at once."""
    days = pa.array([datetime.date(2024, 5, 17), None], kind)
    signature = Signature((Column("day", "datetime", "datetime64[us]"),))

    frame = decode(parquet_bytes(pa.table({"day": days})), PARQUET, signature).data

    assert as_frame(frame)["day"].dtype.kind == "M"
    assert as_frame(frame)["day"].isna().tolist() == [False, True]


def parquet_bytes(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()
