"""What a rule's file may hold, and what is said of one that holds something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from byo.container_rules.bodies import NAMED
from byo.container_rules.expectations import EXPECTATIONS
from byo.container_rules.rule import RuleError, read_rule
from byo.container_rules.run_rules import all_rules

PAGE = Path(__file__).parents[2] / "docs" / "container-check.md"
RULE = """
title = "T"
level = "must"
[source]
page = "p"
url = "u"
says = "s"
[[steps]]
request = "GET /ping"
"""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (RULE.replace('title = "T"', ""), "'title' is missing"),
        (RULE.replace('"must"', '"may"'), "'may' is not a valid Level"),
        (RULE.replace("title", "name"), "name is not known there"),
        (RULE + "expects = {}", "expects is not known there"),
        (RULE.replace('says = "s"', ""), "says"),
        ("title = ", "Invalid value"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, source: str, message: str) -> None:
    file = tmp_path / "a-rule.toml"
    file.write_text(source)

    with pytest.raises(RuleError, match=message) as caught:
        read_rule(file)

    assert str(file) in str(caught.value)


def test_a_rule_holds_in_all_modes_unless_it_names_some(tmp_path: Path) -> None:
    file = tmp_path / "a-rule.toml"
    file.write_text(RULE)

    rule = read_rule(file)

    assert rule.id == "a-rule"
    assert len(rule.modes) == 6


def test_the_page_has_each_rule_with_its_weight() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [
        rule.id
        for rule in all_rules()
        if f"| `{rule.id}` | {rule.level} | {rule.title}" not in page
    ] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_what_rules_name_exists(rule: object) -> None:
    """A misspelt expectation or body would only be found when its turn comes."""
    for step in rule.steps:  # type: ignore[attr-defined]
        for each in (step, *step.beside):
            assert each.expect.keys() <= EXPECTATIONS.keys()
            if isinstance(each.body, str):
                assert each.body in {*NAMED, "record"}
            elif each.body is not None:
                assert each.body.keys() <= {"text", "json", "filled", "answer"}
