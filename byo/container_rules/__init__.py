"""SageMaker's rules for containers, as data in ``rules/``, and what tries them on one that runs.

``rule.py`` says what a rule's file holds, ``bodies.py`` what can be sent, ``expectations.py`` and
what it puts together what can be expected; ``run_step.py`` sends one step's requests by
``exchange.py``, ``run_rules.py`` goes through the rules of a mode, ``verdict.py`` says what became
of them.
"""

from byo.container_rules.container import Container
from byo.container_rules.rule import Level, Mode, Rule
from byo.container_rules.run_rules import all_rules, rules_for, run_rule, run_rules
from byo.container_rules.verdict import Outcome, Verdict, summary

__all__ = [
    "Container",
    "Level",
    "Mode",
    "Outcome",
    "Rule",
    "Verdict",
    "all_rules",
    "rules_for",
    "run_rule",
    "run_rules",
    "summary",
]
