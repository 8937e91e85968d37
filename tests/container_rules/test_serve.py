"""The real server keeps every rule of each mode."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from byo.container_rules import Container, Mode, Outcome, rules_for, run_rules
from tests.serving.conftest import Server, make_tree, running, save_positional

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAYLOAD = b"0,0\n2,0\n3,0\n1,0\n"


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tree = make_tree(tmp_path_factory.mktemp("single"))
    save_positional(tree.paths.model)
    with running(tree) as server:
        yield server


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.MULTI])
def test_one_model(single: Server, mode: Mode) -> None:
    asked = Container(single.client.url, mode, PAYLOAD, "text/csv", "text/csv")

    verdicts = list(run_rules(asked, rules_for(asked)))

    missed = {each.rule.id: str(each) for each in verdicts if each.outcome is not Outcome.PASSED}
    assert missed.keys() <= {"batch-later-requests-have-no-header"}, missed


def test_many_models(tmp_path_factory: pytest.TempPathFactory) -> None:
    tree = make_tree(tmp_path_factory.mktemp("multi"))
    places = [tree.root / name / "model" for name in ("one", "other")]
    for place in places:
        save_positional(place)
    with running(tree, multi_model=True) as server:
        urls = tuple(map(str, places))
        asked = Container(server.client.url, Mode.MULTI, PAYLOAD, "text/csv", "text/csv", urls)
        verdicts = list(run_rules(asked, rules_for(asked)))

    missed = {each.rule.id: str(each) for each in verdicts if each.outcome is not Outcome.PASSED}
    assert missed == {}
