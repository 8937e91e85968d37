"""Filters and joins, as tables."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byo.transform.assembling import assembled
from byo.transform.job_settings import JobSettings, Limits
from byo.transform.mini_batches import mini_batches
from byo.transform.record_processing import csv_fields, processing_of
from byo.transform.transform_errors import NotJoinable

CSV = {"content_type": "text/csv", "accept": "text/csv", "split": "Line", "assemble": "Line"}
LINES = {**CSV, "content_type": "application/jsonlines", "accept": "application/jsonlines"}
JSON = {"content_type": "application/json", "accept": "application/json"}


def through(settings: dict[str, object], body: bytes, answer: bytes, strategy="MultiRecord"):
    """What is sent of an object, and what becomes of the answer to it."""
    job = JobSettings(**settings)
    processing = processing_of(job)
    (batch,) = mini_batches(io.BytesIO(body), job, Limits(1, 1, strategy), processing)
    return batch.payload, assembled(batch, answer, processing, job.assemble)


@pytest.mark.parametrize(
    ("asked", "body", "sent", "answer", "kept"),
    [
        ({"join": True}, b"1,a\n2,b\n", b"1,a\n2,b\n", b"x\ny\n", b"1,a,x\n2,b,y\n"),
        ({"join": True}, b"1,a\r\n2,b", b"1,a\n2,b\n", b"x\r\ny", b"1,a,x\n2,b,y\n"),
        ({"input_filter": "$[1:]"}, b"1,a,b\n", b"a,b\n", b"x", b"x\n"),
        ({"input_filter": "$[-1,0]"}, b"1,a,b\n", b"b,1\n", b"x", b"x\n"),
        (
            {"join": True, "input_filter": "$[1:]", "output_filter": "$[0,-1]"},
            b"1,a,b\n2,c,d\n", b"a,b\nc,d\n", b"x,0.5\ny,0.7\n", b"1,0.5\n2,0.7\n",
        ),
        ({"output_filter": "$[1]"}, b"1\n2\n", b"1\n2\n", b"x,0.5\ny,0.7\n", b"0.5\n0.7\n"),
        (
            {"join": True, "output_filter": "$[1:]"},
            '"a,b","x ""y""",ä\n'.encode(), '"a,b","x ""y""",ä\n'.encode(), b"z",
            '"x ""y""",ä,z\n'.encode(),
        ),
        (
            {"join": True, "input_filter": "$[0]"},
            b"1,a\n\n2,b\n", b"1\n\n2\n", b"x\ny\nz\n", b"1,a,x\n,y\n2,b,z\n",
        ),
    ],
)  # fmt: skip
def test_csv(asked, body, sent, answer, kept):
    """Columns by their numbers, and the answer's after the record's; quotes stay as they are."""
    assert through({**CSV, **asked}, body, answer) == (sent, kept)


@pytest.mark.parametrize(
    ("base", "asked", "body", "sent", "answer", "kept"),
    [
        (
            LINES, {"join": True}, b'{"a":1.0}\n{}\n', b'{"a":1.0}\n{}\n', b'[1]\n"x"\n',
            b'{"a":1.0,"SageMakerOutput":[1]}\n{"SageMakerOutput":"x"}\n',
        ),
        (
            LINES, {"join": True, "input_filter": "$.f"}, b'{"id":1,"f":[1,2]}\n', b"[1,2]\n", b"3",
            b'{"id":1,"f":[1,2],"SageMakerOutput":3}\n',
        ),
        (
            LINES, {"join": True, "output_filter": "$['id','SageMakerOutput']"},
            '{"id":"ü","f":1}\n'.encode(), '{"id":"ü","f":1}\n'.encode(), b'{"p": 1}',
            '{"id":"ü","SageMakerOutput":{"p":1}}\n'.encode(),
        ),
        (
            LINES, {"join": True}, b"[1, 2]\n3\n", b"[1, 2]\n3\n", b"4\n5\n",
            b'{"SageMakerInput":[1, 2],"SageMakerOutput":4}\n'
            b'{"SageMakerInput":3,"SageMakerOutput":5}\n',
        ),
        (JSON, {"input_filter": "$.instances"}, b'{"instances": [1, 2]}', b"[1,2]", b"{}", b"{}"),
        (
            JSON, {"join": True}, b'{\n "a": 1e400\n}\n', b'{\n "a": 1e400\n}\n', b'{"p":\n [1]}\n',
            b'{\n "a": 1e400,"SageMakerOutput":{"p":[1]}}\n',
        ),
        (JSON, {"join": True}, b"[1]", b"[1]", b"2", b'{"SageMakerInput":[1],"SageMakerOutput":2}'),
        (JSON, {"output_filter": "$.p[0]"}, b"[1]", b"[1]", b'{"p": [3, 4]}', b"3"),
    ],
)  # fmt: skip
def test_json(base, asked, body, sent, answer, kept):
    """The answer is a member of the record; what is no object becomes one; numbers stay."""
    assert through({**base, **asked}, body, answer) == (sent, kept)


@pytest.mark.parametrize(
    ("asked", "body", "answer", "words"),
    [
        ({**CSV, "join": True}, b"1\n2\n", b"x\n", "2 records were answered with 1 line"),
        ({**CSV, "join": True}, b"1\n", b"x\ny\n", "1 records were answered with 2 lines"),
        ({**CSV, "input_filter": "$[5]"}, b"1,2\n", b"", r"record 1: \$\[5\]: index 5 is outside"),
        ({**CSV, "output_filter": "$[0,5:]"}, b"1\n2\n", b"1\n2\n", "record 1 and its answer"),
        ({**LINES, "join": True}, b'{"SageMakerOutput":1}\n', b"1\n", "SageMaker's own"),
        ({**LINES, "join": True}, b"{}\n{\n", b"1\n2\n", "record 2 .*the record is no JSON"),
        ({**LINES, "join": True}, b"{}\n", b"oops\n", "the answer is no JSON"),
        ({**LINES, "input_filter": "$.f"}, b'{"f":1}\n{}\n', b"", "record 2: .*no member 'f'"),
    ],
)
def test_what_can_not_be_lined_up_is_an_error(asked, body, answer, words):
    """With the number of the record."""
    with pytest.raises(NotJoinable, match=words):
        through(asked, body, answer)


FIELD = st.text(st.characters(exclude_characters='\n\r",', exclude_categories=["Cs"]), max_size=5)
QUOTED = FIELD.map(lambda text: '"' + text + ',""' + text + '"')


@given(st.lists(FIELD | QUOTED, min_size=1, max_size=6))
def test_fields_are_what_is_between_commas(fields):
    """A comma inside of quotes is none, and what is written stays as it is."""
    written = [field.encode() for field in fields]

    assert csv_fields(b",".join(written)) == written


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(), max_size=4))
def test_a_joined_line_is_the_record_with_one_member_more(record):
    """Whatever the record holds."""
    line = json.dumps(record).encode() + b"\n"
    _, kept = through({**LINES, "join": True}, line, b"[1]\n")

    assert json.loads(kept) == {**record, "SageMakerOutput": [1]}
