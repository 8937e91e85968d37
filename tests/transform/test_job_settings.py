"""What a job may ask for, as a table of SageMaker's bounds and of what can't go together."""

from __future__ import annotations

import pytest

from byo.command_errors import UsageError
from byo.transform.job_settings import JobSettings, Limits, limits_of

CSV = {"content_type": "text/csv", "accept": "text/csv", "split": "Line", "assemble": "Line"}
JSON = {"content_type": "application/json", "accept": "application/json"}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"max_payload": 100, "max_concurrent": 1},
        {"max_payload": 0, "max_concurrent": 100},
        {"max_payload": 1, "max_concurrent": 100},
        {"max_concurrent": 0},
        {"split": "RecordIO", "strategy": "SingleRecord"},
        {"timeout": 3600, "retries": 0},
        {**CSV, "join": True, "input_filter": "$[1:]", "output_filter": "$[0,-1]"},
        {**CSV, "content_type": "text/csv; charset=utf-8", "join": True},
        {**JSON, "join": True, "output_filter": "$['id','SageMakerOutput']"},
        {**CSV, "input_filter": "$[1:]", "accept": None, "assemble": "None"},
    ],
)
def test_what_may_be_asked(asked):
    """It is taken as it is."""
    assert JobSettings(**asked).timeout


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"max_payload": 101}, "MaxPayloadInMB.* is 101: SageMaker takes 0 to 100"),
        ({"max_payload": -1}, "is -1"),
        ({"max_concurrent": 101}, "MaxConcurrentTransforms"),
        (
            {"max_payload": 50, "max_concurrent": 3},
            "is 150: .* --max-concurrent 2 or --max-payload 33",
        ),
        ({"timeout": 0}, "1 to 3600"),
        ({"timeout": 3601}, "1 to 3600"),
        ({"retries": 4}, "0 to 3"),
        ({"strategy": "MultiRecord"}, "it needs --split-type"),
        ({"input_filter": "$..x"}, "none of SageMaker's operators"),
        ({**CSV, "join": True, "max_payload": 0}, "sends an object as one stream"),
        ({**CSV, "join": True, "content_type": None}, "--content-type to be one of .*not unset"),
        ({**CSV, "join": True, "accept": None}, "--accept to be one of"),
        ({**CSV, "join": True, "content_type": "text/libsvm"}, "not text/libsvm"),
        ({**CSV, "join": True, "accept": "application/json"}, "to be the same"),
        ({**CSV, "join": True, "assemble": "None"}, "--split-type and --assemble-with"),
        ({**CSV, "join": True, "split": "None", "assemble": "None"}, "by its lines"),
        ({**CSV, "split": "RecordIO", "input_filter": "$[1:]"}, "holds neither"),
        ({**CSV, "input_filter": "$.name"}, "chosen by their numbers"),
        ({**CSV, "output_filter": "$[0][1]"}, "chosen by their numbers"),
    ],
)
def test_what_may_not(asked, words):
    """It is refused before anything starts, with what to do."""
    with pytest.raises(UsageError, match=words):
        JobSettings(**asked)


@pytest.mark.parametrize(
    ("asked", "said", "limits"),
    [
        ({}, {}, Limits(6, 1, "MultiRecord")),
        ({"max_concurrent": 0}, {}, Limits(6, 1, "MultiRecord")),
        (
            {},
            {"MaxConcurrentTransforms": 8, "MaxPayloadInMB": 2, "BatchStrategy": "SINGLE_RECORD"},
            Limits(2, 8, "SingleRecord"),
        ),
        (
            {"max_concurrent": 3, "max_payload": 1, "strategy": "SingleRecord", "split": "Line"},
            {"MaxConcurrentTransforms": 8, "MaxPayloadInMB": 2, "BatchStrategy": "MULTI_RECORD"},
            Limits(1, 3, "SingleRecord"),
        ),
        ({"max_payload": 0}, {"MaxPayloadInMB": 2}, Limits(0, 1, "MultiRecord")),
    ],
)
def test_who_decides(asked, said, limits):
    """The job, else the container, else SageMaker's defaults."""
    assert limits_of(JobSettings(**asked), said) == limits


@pytest.mark.parametrize(
    ("asked", "said", "words"),
    [
        ({}, {"MaxConcurrentTransforms": "8"}, "MaxConcurrentTransforms='8'"),
        ({}, {"MaxPayloadInMB": True}, "MaxPayloadInMB=True"),
        ({}, {"BatchStrategy": "some"}, "neither SINGLE_RECORD nor MULTI_RECORD"),
        ({"max_payload": 50}, {"MaxConcurrentTransforms": 8}, "is 400"),
        ({**CSV, "join": True}, {"MaxPayloadInMB": 0}, "one stream"),
    ],
)
def test_what_a_container_may_not_say(asked, said, words):
    """It is told, with the option that decides instead."""
    with pytest.raises(UsageError, match=words):
        limits_of(JobSettings(**asked), said)


def test_the_words_of_the_log():
    """They are SageMaker's own."""
    assert Limits(6, 4, "MultiRecord").log_line() == (
        "MaxConcurrentTransforms=4, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"
    )
