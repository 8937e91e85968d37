"""Channels in the layouts that people upload, read by a script under the real `train`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

THREE = "[[1.0, 0.5], [0.0, 1.5], [1.0, 2.5]]"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"1,0.5\n0,1.5\n1,2.5\n", f"READ [0, 1] {THREE}"),
        (b"label,x\n1,0.5\n0,1.5\n1,2.5\n", f"READ ['label', 'x'] {THREE}"),
        (b",label,x\n0,1,0.5\n1,0,1.5\n2,1,2.5\n", f"READ ['label', 'x'] {THREE}"),
        ("label,x\r1,0.5\r0,1.5\r1,2.5".encode("utf-16"), f"READ ['label', 'x'] {THREE}"),
    ],
)
def test_no_row_is_lost_and_none_made_up(job, body, told):
    """SageMaker's own layout has no header; a frame's own file has one, and perhaps an index."""
    channel = job.base / "input" / "data" / "training"
    channel.mkdir(parents=True)
    (channel / "train.csv").write_bytes(body)
    job.submit("reads_its_channel.py")

    assert job.run() == 0, job.log
    assert told in job.log


def test_what_nobody_can_tell_fails_with_what_to_pass(job):
    """Texts above texts: the first may be names."""
    channel = job.base / "input" / "data" / "training"
    channel.mkdir(parents=True)
    (channel / "train.csv").write_bytes(b"text,label\ngood film,pos\nbad film,neg\n")
    job.submit("reads_its_channel.py")

    assert job.run() != 0
    assert "train.csv, line 1 may hold the columns' names or values" in job.failure
    assert "header=True" in job.failure
