"""The soak's own parts: what it kills is drawn from the seed alone, and what it finds it tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from byo.command_errors import EndpointFailed, RequestFailed
from byo.endpoint import Response
from tests.soak.killer import Entry, Journal
from tests.soak.levels import growth
from tests.soak.schedule import Role, schedule
from tests.soak.soak_models import SoakModel
from tests.soak.tally import Asked, Tally

RIGHT = Asked("a test", "model", frozenset({200}), [3.0])


@pytest.mark.parametrize("mode", ["single", "multi"])
def test_a_seed_gives_the_same_kills(mode: str) -> None:
    """In every round others."""
    kills = [schedule(7, mode, number, 30.0) for number in range(4)]

    assert kills == [schedule(7, mode, number, 30.0) for number in range(4)]
    assert kills[0] != kills[2] != schedule(8, mode, 2, 30.0)
    assert all(one.at < 30 for each in kills for one in each)
    assert [sum(one.role is Role.FORK_SERVER for one in each) for each in kills] == [0, 1, 0, 1]


def answered(status: int, predictions: list[float] | None = None) -> Response:
    return Response(status, "application/json", json.dumps({"predictions": predictions}).encode())


@pytest.mark.parametrize(
    ("asked", "answer", "what"),
    [
        (RIGHT, answered(200, [3.0]), None),
        (RIGHT, answered(200, [4.0]), "wrong"),
        (RIGHT, Response(200, "text/plain", b"3"), "wrong"),
        (RIGHT, answered(500), "unexpected"),
        (Asked("a test", "model", frozenset({500}), [3.0]), answered(200, [4.0]), "wrong"),
        (Asked("a test", "model", frozenset({500}), [3.0]), answered(200, [3.0]), "unexpected"),
        (RIGHT, RequestFailed("no answer"), "hung"),
        (RIGHT, EndpointFailed("broke off"), "lost"),
        (Asked("a test", "model", frozenset({200}), [3.0], -1.0), answered(200, [3.0]), "late"),
    ],
)
def test_what_is_wrong_with_a_request(
    asked: Asked, answer: Response | Exception, what: str | None
) -> None:
    """It is noted, with the time."""

    def send() -> Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    tally = Tally(lambda: 1.0)

    tally.ask(asked, send)

    assert [one.what for one in tally.suspects] == ([what] if what else [])
    assert tally.by_client == {"a test": 1}


def test_no_two_models_answer_alike(tmp_path: Path) -> None:
    """Nor two callers' rows of one."""
    rows = [(float(number), 0.0) for number in (1, 2, 10**9)]
    answers = [SoakModel(number, tmp_path).answer(rows) for number in range(3)]

    assert len({value for each in answers for value in each}) == 9


def test_what_explains_a_failure(tmp_path: Path) -> None:
    """A kill of the model's processes, or of all, at that time."""
    journal = Journal(tmp_path / "journal")
    journal.note(Entry(10.0, 15.0, "a"), role="host")
    journal.note(Entry(30.0, 35.0, None), role="fork server")

    assert journal.explains("a", 9, 10)
    assert not journal.explains("a", 16, 20)
    assert not journal.explains("b", 9, 10)
    assert journal.explains("b", 34, 40)
    assert len((tmp_path / "journal").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5], 0), ([5, 6], 1), ([9, 5, 5, 5, 5], 0), ([0, 5, 6, 7, 8], 3), ([0, 5, 5, 99, 5, 5], 0)],
)
def test_growth(values: list[float], expected: float) -> None:
    """The first round counts for nothing, and one odd value for little."""
    assert growth(values) == expected
