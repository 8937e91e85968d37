"""Ranges of rows are all of a file's lines, in order."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byo.transform.line_records import count_lines
from byo.transform.on_cluster import row_ranges as module
from byo.transform.on_cluster.row_ranges import RangeReader, row_ranges

LINES = st.lists(st.binary(max_size=9).map(lambda one: one.replace(b"\n", b".")), max_size=40)


@given(LINES, st.booleans(), st.integers(1, 9), st.integers(1, 30))
def test_ranges_are_the_lines(lines, ended, rows, chunk):
    """Whatever is read at a time: each but the last has as many as asked for, and none is lost."""
    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_BYTES", chunk)
        found = list(row_ranges(io.BytesIO(body), rows))
    parts = [RangeReader(io.BytesIO(body), one.start, one.stop).read(1000) for one in found]

    assert b"".join(parts) == body
    assert [one.rows for one in found] == [count_lines(part) for part in parts]
    assert all(one.rows == rows for one in found[:-1])
    assert all(0 < one.rows <= rows for one in found)
    firsts = [1 + sum(one.rows for one in found[:number]) for number in range(len(found))]
    assert [one.first for one in found] == firsts


def test_a_range_is_read_up_to_its_end():
    """Also in small bites."""
    reader = RangeReader(io.BytesIO(b"0123456789"), 2, 7)

    assert [reader.read(3), reader.read(3), reader.read(3)] == [b"234", b"56", b""]
