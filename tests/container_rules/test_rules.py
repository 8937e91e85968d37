"""Each rule, on a container that keeps it and on one that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byo.command_errors import EndpointFailed
from byo.container_rules import (
    Container,
    Mode,
    Outcome,
    all_rules,
    rules_for,
    run_rule,
    run_rules,
)
from byo.container_rules.exchange import Answer, Request
from byo.container_rules.expectations import missed
from byo.container_rules.rule import Need, Rule
from byo.container_rules.scene import Scene
from handler.serve.pick_free_port import free_port
from tests.container_rules.misbehaviours import MISBEHAVIOURS
from tests.container_rules.stub_container import Asked, Reply, Stub, running

PAYLOAD = b"0,1\n2,0\n3,0\n1,1\n"
HEADED = b"x,y\n" + PAYLOAD
RULES = {rule.id: rule for rule in all_rules()}
# Skipped where the payload has no header line.
HEADER_RULE = "batch-later-requests-have-no-header"
# What no stub of a real socket does in a moment; held below.
BY_HAND = {"connects-in-time"}


def container(url: str, mode: Mode, payload: bytes | None = PAYLOAD) -> Container:
    places = ("/models/a", "/models/b") if mode is Mode.MULTI else ()
    return Container(url, mode, payload, "text/csv", "text/csv", places, timeout=20.0)


def mode_of(rule: Rule) -> Mode:
    return next(mode for mode in Mode if mode in rule.modes)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_container_that_keeps_all_rules(mode: Mode) -> None:
    with running(Stub()) as stub:
        asked = container(stub.url, mode)
        verdicts = list(run_rules(asked, rules_for(asked)))

    others = {each.rule.id: str(each) for each in verdicts if each.outcome is not Outcome.PASSED}
    assert others.keys() == ({HEADER_RULE} if mode is Mode.BATCH else set()), others
    assert {each.rule.id for each in verdicts} == {
        rule.id for rule in all_rules() if mode in rule.modes
    }
    assert stub.models == {}


@pytest.mark.parametrize("rule", MISBEHAVIOURS)
def test_a_container_that_breaks_a_rule(rule: str) -> None:
    """The rule fails, says what was expected and what came, and leaves no model of its own."""
    chosen = RULES[rule]
    payload = HEADED if Need.HEADER in chosen.needs else PAYLOAD
    with running(Stub(MISBEHAVIOURS[rule])) as stub:
        asked = container(stub.url, mode_of(chosen), payload)
        stub.models[asked.model_name("")] = "/models/a"  # invoked where the mode is multi
        verdict = run_rule(chosen, asked)

    assert verdict.outcome is Outcome.FAILED, verdict
    assert verdict.expected
    assert verdict.came
    assert verdict.request in str(verdict)
    assert verdict.breaks is (chosen.level == "must")


def test_every_rule_has_a_container_that_breaks_it() -> None:
    assert MISBEHAVIOURS.keys() | BY_HAND == RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_says_where_it_comes_from(rule: Rule) -> None:
    assert rule.source.url.startswith("https://docs.aws.amazon.com/sagemaker/latest/")
    assert rule.source.page
    assert rule.source.says.endswith(".")
    assert rule.title[0].isupper()


@pytest.mark.parametrize(
    ("expect", "connected", "seconds", "expected"),
    [
        (RULES["connects-in-time"].steps[0].expect, 0.26, 0.0, "a connection within 0.25 s"),
        (RULES["ping-answers"].steps[0].expect, 0.2, 1.9, "within 2 s"),
    ],
)
def test_a_container_that_is_too_slow(
    expect: dict[str, object], connected: float, seconds: float, expected: str
) -> None:
    asked = container("http://127.0.0.1:1", Mode.SINGLE)
    answer = Answer(Request("GET", "/ping"), 200, (), b"", seconds, connected, True)

    miss = missed(answer, expect, Scene(asked, {}, {}))

    assert miss is not None
    assert miss.expected == expected


def test_what_is_not_known_is_skipped_with_the_reason() -> None:
    with running(Stub()) as stub:
        asked = Container(stub.url, Mode.MULTI)
        verdicts = {each.rule.id: each for each in run_rules(asked, rules_for(asked))}

    assert verdicts["ping-answers"].outcome is Outcome.PASSED
    assert "no --model-url" in verdicts["load-answers"].text
    assert "no --model-url" in verdicts["invocation-answers"].text
    assert "no --payload" in verdicts["invoke-unknown-model"].text
    assert {each.outcome for each in verdicts.values()} == {Outcome.PASSED, Outcome.SKIPPED}


def test_a_payload_of_a_single_record_skips_what_needs_several() -> None:
    with running(Stub()) as stub:
        asked = container(stub.url, Mode.BATCH, b"1,2\n")
        verdict = run_rule(RULES["batch-many-records-as-single-ones"], asked)

    assert (verdict.outcome, verdict.text) == (Outcome.SKIPPED, "the payload has a single record")


def test_a_filled_body_that_is_refused_for_another_reason_tells_nothing() -> None:
    with running(Stub()) as stub:
        asked = Container(stub.url, Mode.SINGLE, b"a,b\n", "text/csv")
        verdict = run_rule(RULES["body-of-the-largest-size"], asked)

    assert verdict.outcome is Outcome.SKIPPED
    assert "400" in verdict.text


def test_a_header_line_of_the_payload_is_told() -> None:
    with running(Stub()) as stub:
        verdict = run_rule(
            RULES["batch-header-line"], container(stub.url, Mode.BATCH, b"x,y\n1,2\n3,4\n")
        )

    assert verdict.outcome is Outcome.PASSED
    assert verdict.text == "a header line is refused: leave it out of the input"


def test_a_header_goes_with_each_record_and_is_no_record() -> None:
    """As a container has it that tells columns by their names."""

    def reads_names(stub: Stub, asked: Asked) -> Reply | None:
        if not asked.is_invocation:
            return None
        names, _, rows = asked.body.partition(b"\n")
        if names != b"x,y":
            return Reply(422, b"which columns are these?")
        return stub.right(replace(asked, body=rows))

    with running(Stub(reads_names)) as stub:
        asked = container(stub.url, Mode.BATCH, HEADED)
        verdicts = {each.rule.id: each for each in run_rules(asked, rules_for(asked))}

    failed = {name for name, each in verdicts.items() if each.outcome is not Outcome.PASSED}
    assert failed == {HEADER_RULE}
    assert "422" in verdicts[HEADER_RULE].text
    assert verdicts["batch-header-line"].text.startswith("a header line is read as one")


def test_a_payload_that_is_not_answered_is_the_matter_of_one_rule() -> None:
    with running(Stub()) as stub:
        asked = container(stub.url, Mode.BATCH, b"a,b\nc,d\n")
        verdicts = {each.rule.id: each for each in run_rules(asked, rules_for(asked))}

    assert {name for name, each in verdicts.items() if each.outcome is Outcome.FAILED} == {
        "invocation-answers"
    }
    assert verdicts["accept-absent"].text.startswith("the payload is not answered: POST")


def test_where_nothing_listens_no_rule_is_tried() -> None:
    asked = container(f"http://127.0.0.1:{free_port()}", Mode.SINGLE)

    with pytest.raises(EndpointFailed, match="refused"):
        list(run_rules(asked, rules_for(asked)))
