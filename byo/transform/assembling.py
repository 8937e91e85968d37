"""Answers as an object's output: `AssembleWith`, after the join and the OutputFilter."""

from __future__ import annotations

from byo.transform.job_settings import Assembly
from byo.transform.line_records import NEWLINE
from byo.transform.mini_batches import MiniBatch
from byo.transform.record_processing import RecordProcessing, finished_answer


def assembled(
    batch: MiniBatch, answer: bytes, processing: RecordProcessing | None, assemble: Assembly
) -> bytes:
    """What a request's answer adds to the output of its object.

    With ``Line`` it ends with a newline: one that the container has written counts, as a second
    would be a line without a record.

    Args:
        batch: the request.
        answer: the body that answers it.
        processing: the filters and the join; None where there are none.
        assemble: what stands after each answer.

    Raises:
        NotJoinable: the answer can't be lined up with the records.
    """
    if processing is not None and processing.splits_answers:
        answer = finished_answer(processing, batch.records, answer, batch.count, batch.first)
    if assemble == "Line" and not answer.endswith(NEWLINE):
        answer += NEWLINE
    return answer
