"""``byo check --url``: what it says, writes and ends with."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.container_rules.misbehaviours import MISBEHAVIOURS
from tests.container_rules.stub_container import Stub, running


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    file = tmp_path / "payload.csv"
    file.write_text("0,1\n2,0\n3,0\n1,1\n")
    return file


def test_a_line_for_each_rule(run_byo, payload):
    with running(Stub()) as stub:
        done = run_byo("check", "--url", stub.url, "--payload", payload, "--accept", "text/csv")

    assert done.returncode == 0, done.stdout + done.stderr
    *lines, summary = done.stdout.splitlines()
    assert all(line.startswith("passed   ") for line in lines)
    assert summary == f"{len(lines)} rules: {len(lines)} passed, 0 failed, 0 skipped"


def test_a_must_that_fails_is_exit_code_1(run_byo, payload, tmp_path):
    junit = tmp_path / "report.xml"
    with running(Stub(MISBEHAVIOURS["accept-absent"])) as stub:
        done = run_byo(
            "check", "--url", stub.url, "--payload", payload, "--json", "--junit", junit,
            "--rule", "accept-absent", "--rule", "ping-answers",
        )  # fmt: skip

    assert done.returncode == 1
    assert "does not keep what SageMaker asks of a container in mode single" in done.stderr
    document = json.loads(done.stdout)
    passed, failed = document["rules"]
    assert (failed["id"], failed["outcome"], failed["level"]) == ("accept-absent", "failed", "must")
    assert failed["expected"] == "status 2xx"
    assert failed["came"] == "500 Internal Server Error: no"
    assert failed["source"]["url"].startswith("https://docs.aws.amazon.com/")
    assert passed["outcome"] == "passed"
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "2", "failures": "1", "skipped": "0"
    }  # fmt: skip
    assert "expected status 2xx" in suite.find("testcase/failure").get("message")


def test_a_should_that_fails_is_told_and_exit_code_0(run_byo, payload, tmp_path):
    junit = tmp_path / "report.xml"
    with running(Stub(MISBEHAVIOURS["body-empty"])) as stub:
        done = run_byo(
            "check", "--url", stub.url, "--payload", payload, "--rule", "body-empty",
            "--junit", junit,
        )  # fmt: skip

    assert done.returncode == 0
    assert done.stdout.startswith("failed   body-empty (should): POST /invocations: expected")
    assert "1 failed (0 must, 1 should)" in done.stdout
    skipped = ElementTree.parse(junit).getroot().find("testsuite/testcase/skipped")
    assert skipped.get("message").startswith("should: ")


def test_models_are_loaded_from_the_places_that_are_named(run_byo, payload):
    with running(Stub()) as stub:
        done = run_byo(
            "check", "--url", stub.url, "--mode", "multi", "--payload", payload,
            "--model-url", "/models/a", "--model-url", "/models/b",
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 skipped" in done.stdout
    assert {"/models/a", "/models/b"} <= {
        json.loads(each.body)["url"] for each in stub.seen if each.is_load and each.body[:1] == b"{"
    }


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--mode", "batch"], "--mode needs --url"),
        (["mine", "--url", "http://x"], "DIR does not go with --url"),
        (["--url", "http://x", "--no-round-trip"], "--no-round-trip does not go with --url"),
        (["--url", "nowhere"], "'nowhere' is not an http or https URL"),
        (["--url", "http://x", "--model-url", "/m"], "--model-url needs --mode multi"),
        (["--url", "http://x", "--content-type", "a/b"], "--content-type needs --payload"),
        (["--url", "http://x", "--rule", "x"], "there is no rule 'x'; these are: accept-absent"),
        (["--url", "http://x", "--rule", "load-again"], "is none of mode single, but of multi"),
    ],
)
def test_what_can_not_be_used_is_one_line(run_byo, arguments, line):
    done = run_byo("check", *arguments)

    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
