"""What is split is the object's records, in order, whatever the boundaries of reads."""

from __future__ import annotations

import io
import random
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byo.transform.assembling import assembled
from byo.transform.framed_records import recordio_records, tfrecord_records
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.line_records import count_lines, ended_lines, line_blocks, lines_of
from byo.transform.mini_batches import MiniBatch, mini_batches
from byo.transform.transform_errors import BrokenRecords, RecordTooLarge
from contract.machine import MEBIBYTE
from tests.transform.framing import MAGIC, recordio, tfrecord

LINES = st.lists(st.binary(max_size=40).map(lambda one: one.replace(b"\n", b".")), max_size=30)


class SmallLimits(Limits):
    """Limits whose megabyte is a byte."""

    @property
    def payload_bytes(self) -> int:
        return self.max_payload


def batches(body: bytes, split: str, limit: int, strategy: str = "MultiRecord") -> list[MiniBatch]:
    settings = JobSettings(split=split)
    return list(mini_batches(io.BytesIO(body), settings, SmallLimits(limit, 1, strategy), None))


@given(LINES, st.booleans(), st.integers(41, 200))
def test_blocks_are_the_stream_in_whole_lines(lines, ended, limit):
    """Each is within the limit, ends where a line does, and no line could have been added."""
    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    blocks = list(line_blocks(io.BytesIO(body), limit))

    assert b"".join(blocks) == body
    assert all(0 < len(block) <= limit for block in blocks)
    assert all(block.endswith(b"\n") for block in blocks[:-1])
    for block, following in pairwise(blocks):
        assert len(block) + len(ended_lines(following)[0]) > limit


@given(LINES, st.booleans(), st.integers(41, 200), st.sampled_from(["SingleRecord", "MultiRecord"]))
def test_what_is_split_and_assembled_is_the_same_lines(lines, ended, limit, strategy):
    """A container that echoes gives the object back; count and first say which records they are."""
    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    sent = batches(body, "Line", limit, strategy)
    output = b"".join(assembled(one, one.payload, None, "Line") for one in sent)

    assert output == body + (b"" if body.endswith(b"\n") or not body else b"\n")
    assert sum(one.count for one in sent) == count_lines(body)
    position = 1
    for one in sent:
        assert one.first == position
        assert one.count == len(ended_lines(one.payload))
        position += one.count
    if strategy == "SingleRecord":
        assert all(one.count == 1 for one in sent)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\r\nb", [b"a", b"b"]),
        (b"a\rb\nc", [b"a\rb", b"c"]),  # a lone carriage return ends nothing
        ("ä\u2028ö\nü\n".encode(), ["ä\u2028ö".encode(), "ü".encode()]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
    ],
)
def test_what_a_line_is(body, lines):
    """It ends with a newline alone, and the last may lack it."""
    assert lines_of(body) == lines
    assert count_lines(body) == len(lines)
    assert b"".join(ended_lines(body)) == body


def test_a_line_over_the_limit_is_told_by_its_number():
    """No request can hold it."""
    with pytest.raises(RecordTooLarge, match=r"record 3 is larger than a request may be"):
        list(line_blocks(io.BytesIO(b"a\nb\n" + b"c" * 20 + b"\nd\n"), 10))


def test_an_object_that_is_not_split_is_one_request_or_too_large():
    """SplitType None."""
    assert [one.payload for one in batches(b"a\nb\n", "None", 4)] == [b"a\nb\n"]
    with pytest.raises(RecordTooLarge, match="the object is larger"):
        batches(b"a\nb\nc", "None", 4)


@pytest.mark.parametrize("split", ["None", "Line", "RecordIO", "TFRecord"])
def test_an_empty_object_has_no_request(split):
    """Nothing of it could be answered."""
    assert batches(b"", split, 10) == []


DATA = st.lists(st.binary(max_size=40) | st.just(b"abcd" + MAGIC + b"ef" + MAGIC), max_size=12)


@pytest.mark.parametrize(("split", "write"), [("RecordIO", recordio), ("TFRecord", tfrecord)])
@given(data=DATA)
def test_frames_hold_the_records(split, write, data):
    """Several records keep their frames; one alone is its data."""
    body = b"".join(map(write, data))
    several = batches(body, split, 200)
    alone = batches(body, split, 200, "SingleRecord")

    assert b"".join(one.payload for one in several) == body
    assert all(len(one.payload) <= 200 for one in several)
    assert sum(one.count for one in several) == len(data)
    assert [one.payload for one in alone] == data


@pytest.mark.parametrize(
    ("read", "body", "words"),
    [
        (recordio_records, recordio(b"abc") + b"abcdefgh", "record 2 does not start with"),
        (recordio_records, recordio(b"abc")[:-1], "record 1 is cut short"),
        (recordio_records, MAGIC, "record 1 is cut short"),
        (recordio_records, MAGIC + struct.pack("<I", 3 << 29), "parts in no order"),
        (recordio_records, MAGIC + struct.pack("<I", 1 << 29), "record 1 is cut short"),
        (tfrecord_records, tfrecord(b"abc")[:-1], "record 1 is cut short"),
        (tfrecord_records, tfrecord(b"abc") + b"1234", "record 2 is cut short"),
        (tfrecord_records, b"\1" + tfrecord(b"abc")[1:], "checksum of its length"),
        (tfrecord_records, tfrecord(b"abc")[:-4] + bytes(4), "checksum of its data"),
    ],
)
def test_broken_frames_are_told(read, body, words):
    """With the number of the record."""
    with pytest.raises(BrokenRecords, match=words):
        list(read(io.BytesIO(body), 1000))


@pytest.mark.parametrize(
    ("read", "write"), [(recordio_records, recordio), (tfrecord_records, tfrecord)]
)
def test_a_frame_over_the_limit_is_told_before_it_is_read(read, write):
    """A length that a file claims takes no memory."""
    with pytest.raises(RecordTooLarge, match="record 1"):
        list(read(io.BytesIO(write(bytes(100))[:12]), 50))


@pytest.mark.parametrize("size", [4095, 4096, 4097, 8191, 9000])
def test_long_data_has_the_same_checksum(size):
    """It is worked out in lanes."""
    data = random.Random(size).randbytes(size)

    (read,) = tfrecord_records(io.BytesIO(tfrecord(data)), MEBIBYTE)
    assert read.data == data
