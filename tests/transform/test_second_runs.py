"""Runs that find a part of their work done, and runs that only explain."""

from __future__ import annotations

import pytest

from byo.command_errors import JobFailed
from byo.transform.outputs import RECORD
from tests.transform.jobs import LINES
from tests.transform.stub_container import Stub


def test_a_second_run_does_what_is_left(transform, stub, tmp_path, capsys):
    """And says why it does again what it does again."""
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / "in" / name).write_text(name)
    stub.answer = lambda body: (500, b"") if body == b"b.csv" else (200, body)
    job = ("in", "out", "--url", stub.url, "--retries", "0")
    with pytest.raises(JobFailed):
        transform(*job)
    stub.answer = Stub().answer
    stub.bodies.clear()

    transform(*job)
    assert stub.bodies == [b"b.csv"]
    assert "1 objects transformed, 2 were done already" in capsys.readouterr().out

    (tmp_path / "in/a.csv").write_text("new")
    (tmp_path / "out/c.csv.out").write_text("edited")
    (tmp_path / "out/b.csv.out").unlink()
    stub.bodies.clear()
    transform(*job)
    assert sorted(stub.bodies) == [b"b.csv", b"c.csv", b"new"]
    log = capsys.readouterr().out
    assert "a.csv: again, as the input has changed" in log
    assert "c.csv: again, as the output has changed" in log

    stub.bodies.clear()
    transform(*job, "--accept", "text/csv", "--assemble-with", "line")
    assert len(stub.bodies) == 3
    assert "again, as the job was another: accept, assemble" in capsys.readouterr().out


def test_a_record_that_is_cut_short_is_read_as_far_as_it_goes(transform, stub, tmp_path):
    """As a job leaves it that is killed while it writes."""
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "b.csv").write_text("2")
    transform("a.csv", "out", "--url", stub.url)
    with (tmp_path / "out" / RECORD).open("ab") as record:
        record.write(b'{"output": "b.c')

    transform("a.csv", "out", "--url", stub.url)
    transform("b.csv", "out", "--url", stub.url)
    transform("b.csv", "out", "--url", stub.url)

    assert stub.bodies == [b"1", b"2"]


@pytest.mark.parametrize(
    ("arguments", "body", "words"),
    [
        (LINES, "a,b\n1,2\n3,4\n", "the first line looks like a header (a,b)"),
        (LINES, '1,"x\ny"\n2,z\n', 'line 1 has an odd number of "'),
        (LINES, "1\n\n2\n", "line 2 is blank"),
        ((), "1\n" * 3_200_000, "it can't be sent: the object is larger"),
        ((), "1\n2\n", "--accept is not set"),
        (LINES[:2], "1\n2\n", "--assemble-with none: answers follow each other"),
        ((), "1\n" * 3_200_000, "the object will fail; --split-type line"),
    ],
)
def test_explain_shows_requests_and_what_bites(transform, tmp_path, capsys, arguments, body, words):
    """Nothing is started and nothing written."""
    (tmp_path / "a.csv").write_text(body)

    assert transform("a.csv", "out", "--explain", *arguments) == 0

    said = capsys.readouterr().out
    assert words in said
    assert not (tmp_path / "out").exists()
    if arguments == LINES:
        assert "POST /invocations" in said
        assert "  content-type: text/csv\n  accept: text/csv\n" in said
