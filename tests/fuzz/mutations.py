"""Valid bodies of every format, and what may become of them on the way."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

from tests.codecs.hostile_bodies import CSV, JSON, LINES, NPY, NPZ, PARQUET, RECORDIO, SVM
from tests.codecs.samples import (
    ROWS,
    json_bytes,
    named,
    npy,
    npz,
    parquet,
    recordio,
    records,
    sparse_npz,
)

TEXTS = [["x", "NA", "1e5"], ["é", "", "02134"]]
DAYS = np.array([["2024-05-17", "NaT", "1970-01-01"]], dtype="datetime64[ms]")
SPARSE = [{"data": {"features": {"keys": [1], "shape": [3], "values": [1.5]}}}]
TENSOR = {"inputs": [{"name": "a", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]}

VALID: dict[str, list[bytes]] = {
    CSV: [b"1.5,2,3\n4,5.5,6\n", b"a,b,c\n1,2,3\n", b'"x, y",NA,2024-05-17\n', b"1\n\n2\n"],
    JSON: [
        json_bytes(ROWS),
        json_bytes(records(ROWS)),
        json_bytes({"instances": TEXTS}),
        json_bytes({"columns": ["a", "b", "c"], "data": ROWS}),
        json_bytes({"a": {"0": 1}, "b": {"0": 2}, "c": {"0": "2024-05-17"}}),
        json_bytes(SPARSE),
        json_bytes(TENSOR),
    ],
    LINES: [b"[1.5, 2, 3]\n[4, 5.5, 6]\n", b'{"a": 1, "b": 2, "c": "x"}\n', b"1\n2\n"],
    NPY: [
        npy(np.array(ROWS)),
        npy(np.array(TEXTS)),
        npy(DAYS),
        npy(np.array(ROWS, dtype=">f4", order="F")),
        npy(np.zeros(2, dtype=[("a", "f8"), ("b", "M8[D]"), ("c", "S3")])),
    ],
    NPZ: [npz(data=np.array(ROWS))]
    + [sparse_npz(sparse.coo_matrix(ROWS).asformat(kind)) for kind in ("csr", "bsr", "dia", "coo")],
    PARQUET: [
        parquet(named(ROWS)),
        parquet(named(TEXTS)),
        parquet({"a": DAYS[0], "b": [1, None, 3], "c": [True, None, False]}),
    ],
    SVM: [b"0 1:1.5 2:2 3:3\n1 1:4 3:6 # the second\n", b"1:1.5\n2:2\n"],
    RECORDIO: [recordio(ROWS)],
}

# What is most often not thought of: ends of ranges, half a character, openings that nothing closes.
TOKENS: list[bytes] = [
    *(
        b"\x00",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x80",
        b"\xed\xa0\x80",
        b"\x85",
    ),
    *(struct.pack("<Q", 2**number - 1) for number in (31, 32, 63, 64)),
    *(
        b"1e999999",
        b"-Infinity",
        b"NaN",
        b"9" * 30,
        b"9" * 400,
        b"9" * 5000,
        b"-9223372036854775809",
    ),
    *(
        b"null",
        b"true",
        b"True",
        b'"',
        b'""',
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b",",
        b"\n",
        b"\r",
        b"\t",
    ),
    *(b"[" * 200, b'{"a":' * 200, b"\\ud800", b"\\u0000", b"\\u001b[31m", b"x" * 3000, b";", b"#"),
    *(b"9999-12-31", b"-0001-01-01T00:00:00+99:99", b"0001-01-01", b"1e308", b"0x1F", b"1,5"),
    *(b"<M8[Y]", b"<m8[as]", b"|O", b"<U0", b"|V0", b">f2", b"(1000000000000,)", b"(0, 4)", b"-1"),
]

Mutation = Callable[[bytes], bytes]


def _at(place: float, body: bytes) -> int:
    return int(place * len(body))


places = st.floats(0, 1, exclude_max=True)
pairs = st.tuples(places, places).map(sorted)
mutations: st.SearchStrategy[Mutation] = st.one_of(
    st.builds(
        lambda place, byte: lambda body: body[: (at := _at(place, body))] + byte + body[at + 1 :],
        places,
        st.binary(min_size=1, max_size=1),
    ),
    st.builds(
        lambda place, token: lambda body: body[: (at := _at(place, body))] + token + body[at:],
        places,
        st.sampled_from(TOKENS),
    ),
    st.builds(
        lambda place, token: (
            lambda body: body[: (at := _at(place, body))] + token + body[at + len(token) :]
        ),
        places,
        st.sampled_from(TOKENS),
    ),
    st.builds(
        lambda span: lambda body: body[: _at(span[0], body)] + body[_at(span[1], body) :], pairs
    ),
    st.builds(
        lambda span, times: (
            lambda body: (
                body[: _at(span[1], body)]
                + body[_at(span[0], body) : _at(span[1], body)] * times
                + body[_at(span[1], body) :]
            )
        ),
        pairs,
        st.sampled_from([1, 2, 30, 1000]),
    ),
    st.builds(lambda place: lambda body: body[: _at(place, body)], places),
)


@st.composite
def damaged(draw: st.DrawFn, content_type: str) -> bytes:
    """A valid body, or a part of two, that some mutations were made to."""
    body = draw(st.sampled_from(VALID[content_type]))
    for mutate in draw(st.lists(mutations, max_size=4)):
        body = mutate(body)[: 1024 * 1024]
    return body
