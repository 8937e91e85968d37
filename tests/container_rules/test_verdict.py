"""What became of a rule, as a file for a continuous integration."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from byo.container_rules import Outcome, Verdict, all_rules, summary
from byo.container_rules.rule import Level
from byo.junit_report import write_junit

MUST = next(rule for rule in all_rules() if rule.level is Level.MUST)
SHOULD = next(rule for rule in all_rules() if rule.level is Level.SHOULD)


def test_what_a_container_sent_is_no_harm_to_the_file(tmp_path: Path) -> None:
    """Characters that XML can't hold, and such as mean something to it."""
    text = "came <500> & \x00\x1b[31m\ud800 \uffff ]]>"
    verdict = Verdict(MUST, Outcome.FAILED, 0.5, text)

    write_junit(tmp_path / "report.xml", "check", [verdict.as_case()])

    failure = ElementTree.parse(tmp_path / "report.xml").getroot().find(".//failure")
    assert failure is not None
    assert failure.get("message") == "came <500> & ��[31m� � ]]>"


def test_each_outcome_is_counted(tmp_path: Path) -> None:
    verdicts = [
        Verdict(MUST, Outcome.PASSED, 0.1),
        Verdict(MUST, Outcome.FAILED, 0.1, "no"),
        Verdict(SHOULD, Outcome.FAILED, 0.1, "no"),
        Verdict(SHOULD, Outcome.SKIPPED, 0.1, "why"),
    ]
    write_junit(tmp_path / "report.xml", "check", [each.as_case() for each in verdicts])

    suite = ElementTree.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["4", "1", "2"]
    assert summary(verdicts) == "4 rules: 1 passed, 2 failed (1 must, 1 should), 1 skipped"
    assert [each.breaks for each in verdicts] == [False, True, False, False]
    assert str(verdicts[2]).startswith(f"failed   {SHOULD.id} (should): no")
