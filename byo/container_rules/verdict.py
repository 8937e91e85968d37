"""What became of a rule: a line, a JSON object or a case of JUnit's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from byo.container_rules.rule import Level, Rule
from byo.junit_report import Case


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """What became of one rule.

    Args:
        rule: which.
        outcome: what became of it.
        seconds: how long it took.
        text: of one that failed, the request, what was expected and what came; of one that was
            skipped, why; of one that passed, what there is to know, if there is.
        request: of one that failed: which request.
        expected: of one that failed: what was expected.
        came: of one that failed: what came.
    """

    rule: Rule
    outcome: Outcome
    seconds: float
    text: str = ""
    request: str = ""
    expected: str = ""
    came: str = ""

    @property
    def breaks(self) -> bool:
        """Whether the container does not keep what it must."""
        return self.outcome is Outcome.FAILED and self.rule.level is Level.MUST

    def __str__(self) -> str:
        weight = f" ({self.rule.level})" if self.outcome is Outcome.FAILED else ""
        said = self.text if self.outcome is not Outcome.PASSED else self.rule.title
        more = f": {self.text}" if self.outcome is Outcome.PASSED and self.text else ""
        return f"{self.outcome:<7}  {self.rule.id}{weight}: {said}{more}"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        source = self.rule.source
        return {
            "id": self.rule.id,
            "title": self.rule.title,
            "level": self.rule.level.value,
            "outcome": self.outcome.value,
            "seconds": round(self.seconds, 3),
            "text": self.text,
            "request": self.request,
            "expected": self.expected,
            "came": self.came,
            "source": {"page": source.page, "url": source.url, "says": source.says},
        }

    def as_case(self) -> Case:
        """For a continuous integration: a rule that a container should keep fails no build."""
        source = self.rule.source
        output = f"{self.rule.title}\n{source.page}: {source.says}\n{source.url}\n{self.text}"
        skipped = None
        if self.outcome is Outcome.SKIPPED:
            skipped = self.text
        elif self.outcome is Outcome.FAILED and not self.breaks:
            skipped = f"should: {self.text}"
        return Case(
            self.rule.id, self.seconds, self.text if self.breaks else None, skipped, output.strip()
        )


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many rules became what, in a line."""
    counts = {outcome: sum(each.outcome is outcome for each in verdicts) for outcome in Outcome}
    must = sum(each.breaks for each in verdicts)
    failed = counts[Outcome.FAILED]
    of_these = f" ({must} must, {failed - must} should)" if failed else ""
    count = f"{len(verdicts)} rule{'s' * (len(verdicts) != 1)}"
    return (
        f"{count}: {counts[Outcome.PASSED]} passed, "
        f"{failed} failed{of_these}, {counts[Outcome.SKIPPED]} skipped"
    )
