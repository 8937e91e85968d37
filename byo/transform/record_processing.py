"""What SageMaker does with records beside sending them: InputFilter, JoinSource, OutputFilter.

A row of CSV is a list of fields, each as it is written, its quotes among it: what is kept is kept
byte for byte. JSON is read and written again, without blanks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from byo.command_errors import RunFailed
from byo.content_types import CSV, JSON
from byo.transform.job_settings import JobSettings, kind_of
from byo.transform.json_path import JsonPath
from byo.transform.line_records import NEWLINE, lines_of
from byo.transform.transform_errors import NotJoinable

INPUT_KEY, OUTPUT_KEY = "SageMakerInput", "SageMakerOutput"
_FIELD = re.compile(rb'\s*"(?:[^"]|"")*"[^,]*|[^,]*')


@dataclass(frozen=True)
class RecordProcessing:
    """The filters and the join of a job.

    Args:
        filtered: what of a record is sent, given the record and its number.
        finished: what is kept of a record and its answer, given both and the record's number.
        by_line: whether records, and answers, are lines.
        joins: whether records are needed again when their answer is there.
        splits_answers: whether an answer is to be taken apart.
        one_answer: whether the whole answer to a single record is that record's, lines or not.
    """

    filtered: Callable[[bytes, int], bytes]
    finished: Callable[[bytes, bytes, int], bytes]
    by_line: bool
    joins: bool
    splits_answers: bool
    one_answer: bool

    def pieces(self, answer: bytes, count: int) -> list[bytes]:
        """An answer as one for each record.

        Raises:
            NotJoinable: there are more or fewer.
        """
        if not self.by_line or (count == 1 and self.one_answer):
            return [answer]
        pieces = lines_of(answer)
        if len(pieces) != count:
            raise NotJoinable(
                f"{count} records were answered with {len(pieces)} lines, so they can't be "
                "lined up: each record needs one, an error its own (such as ERROR)"
            )
        return pieces


def processing_of(settings: JobSettings) -> RecordProcessing | None:
    """The filters and the join of a job; None where it has none."""
    if not settings.processes_records:
        return None
    sent, kept = JsonPath.parse(settings.input_filter), JsonPath.parse(settings.output_filter)
    kind = kind_of(settings.content_type)
    answers = kind_of(settings.accept)
    return RecordProcessing(
        filtered=_told((_filtered_csv if kind == CSV else _filtered_json)(sent)),
        finished=_told_of_both(
            (_finished_csv if answers == CSV else _finished_json)(kept, settings.join)
        ),
        by_line=settings.split == "Line",
        joins=settings.join,
        splits_answers=settings.join or settings.output_filter != "$",
        one_answer=answers == JSON,
    )


def csv_fields(line: bytes) -> list[bytes]:
    """The fields of a row of CSV, each as it is written."""
    if b'"' not in line:
        return line.split(b",")
    fields, position = [], 0
    while True:
        match = _FIELD.match(line, position)
        end = match.end() if match else len(line)
        fields.append(line[position:end])
        if end >= len(line):
            return fields
        position = end + 1


def _filtered_csv(path: JsonPath) -> Callable[[bytes], bytes]:
    if not path.steps:
        return lambda record: record
    choose = path.columns()
    return lambda record: b",".join(choose(csv_fields(record)))


def _filtered_json(path: JsonPath) -> Callable[[bytes], bytes]:
    if not path.steps:
        return lambda record: record
    return lambda record: _written(path.choose(_read(record, "the record")))


def _finished_csv(path: JsonPath, join: bool) -> Callable[[bytes, bytes], bytes]:
    choose = path.columns()

    def finished(record: bytes, answer: bytes) -> bytes:
        row = record + b"," + answer if join else answer
        return b",".join(choose(csv_fields(row))) if path.steps else row

    return finished


def _finished_json(path: JsonPath, join: bool) -> Callable[[bytes, bytes], bytes]:
    def finished(record: bytes, answer: bytes) -> bytes:
        value = _read(answer, "the answer")
        if not join:
            return _written(path.choose(value))
        before = _read(record, "the record")
        both = joined(before, value)
        return _written(path.choose(both)) if path.steps else _spliced(record, before, answer)

    return finished


def _spliced(record: bytes, value: Any, answer: bytes) -> bytes:
    """A record with its answer, both as they are written: a number stays as it was."""
    answer = answer.strip()
    if NEWLINE in answer:
        answer = _written(json.loads(answer))
    if isinstance(value, dict):
        inside = record.strip()[:-1].rstrip()
        return inside + (b"," if value else b"") + b'"%b":%b}' % (OUTPUT_KEY.encode(), answer)
    keys = INPUT_KEY.encode(), OUTPUT_KEY.encode()
    return b'{"%b":%b,"%b":%b}' % (keys[0], record.strip(), keys[1], answer)


def joined(record: Any, answer: Any) -> dict[str, Any]:
    """A JSON record with its answer, as one object.

    Raises:
        NotJoinable: the record has the answer's key already.
    """
    if not isinstance(record, dict):
        return {INPUT_KEY: record, OUTPUT_KEY: answer}
    if OUTPUT_KEY in record:
        raise NotJoinable(f"the record has a member {OUTPUT_KEY}, which is SageMaker's own")
    return {**record, OUTPUT_KEY: answer}


def _read(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotJoinable(f"{what} is no JSON: {error}") from None


def _written(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a pair of surrogates, which JSON can write as ASCII alone
        return json.dumps(value, separators=(",", ":")).encode()


def _told(filtered: Callable[[bytes], bytes]) -> Callable[[bytes, int], bytes]:
    def told(record: bytes, number: int) -> bytes:
        try:
            return filtered(record)
        except RunFailed as error:
            raise NotJoinable(f"record {number}: {error}") from None

    return told


def _told_of_both(
    finished: Callable[[bytes, bytes], bytes],
) -> Callable[[bytes, bytes, int], bytes]:
    def told(record: bytes, answer: bytes, number: int) -> bytes:
        try:
            return finished(record, answer)
        except RunFailed as error:
            raise NotJoinable(f"record {number} and its answer: {error}") from None

    return told


def finished_answer(
    processing: RecordProcessing, records: tuple[bytes, ...], answer: bytes, count: int, first: int
) -> bytes:
    """An answer to several records, joined and filtered, with the newline at its end that it had.

    Args:
        processing: the filters and the join.
        records: those that were sent, as they are in the object; empty where nothing is joined.
        answer: the container's.
        count: of the records.
        first: the number of the first.

    Raises:
        NotJoinable: the answer can't be taken apart so, or a filter finds nothing.
    """
    pieces = processing.pieces(answer, count)
    done = [
        processing.finished(record, piece, first + number)
        for number, (record, piece) in enumerate(
            zip(records or (b"",) * count, pieces, strict=True)
        )
    ]
    return NEWLINE.join(done) + (NEWLINE if answer.endswith(NEWLINE) else b"")
