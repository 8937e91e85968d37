"""Lines of JSON: stack traces in one piece, and secrets of the environment taken out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from contract.environment_secrets import EnvironmentSecrets
from contract.json_lines import is_object
from contract.stack_traces import Trace, cause

PYTHON = """\
Exception in thread Thread-1 (fail):
Traceback (most recent call last):
  File "a.py", line 1, in fail
    raise ValueError("x")

ValueError: x"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: outside
\tat a.b.C.d(C.java:1)
Caused by: java.io.IOException: inside
\tat a.b.E.f(E.java:2)
\t... 3 more"""
CRASH = """\
Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "a.py", line 1 in f

Extension modules: numpy (total: 1)"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  | ExceptionGroup: several (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: x
    +------------------------------------"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PYTHON, "ValueError: x"),
        (JAVA, "java.io.IOException: inside"),
        (CRASH, "Fatal Python error: Segmentation fault"),
        (GROUP, "ExceptionGroup: several (1 sub-exception)"),
    ],
)
def test_a_stack_trace_is_one_record(text: str, says: str) -> None:
    told: list[tuple[list[str], bool]] = []
    trace = Trace(lambda lines, is_trace: told.append((lines, is_trace)))
    for line in ["before", *text.split("\n"), "after", "at last"]:
        trace.add(line)
    trace.release()

    assert [lines for lines, is_trace in told if not is_trace] == [
        ["before"],
        ["after"],
        ["at last"],
    ]
    assert [lines for lines, is_trace in told if is_trace] == [text.split("\n")]
    assert cause(text.split("\n")) == says


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a": 1}', True),
        ('  {"a": {"b": []}}  ', True),
        ("{}", True),
        ("[1]", False),
        ("1", False),
        ('{"a": NaN}', False),
        ('{"a": 1} b', False),
        ("{" * 100_000, False),
        ('{"a":' * 100_000, False),
        (b'{"a": "\xff"}', False),
    ],
)
def test_what_is_an_object(line: str | bytes, expected: bool) -> None:
    assert is_object(line) is expected


ENVIRON = {
    "DB_PASSWORD": 'hunter"2\u00fc',
    "HF_TOKEN": "hf_abcdef",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
    "API_KEY": "k-123456",
    "BYO_MODEL_KEY": "/opt/key.pem",
    "TOKENIZERS_PARALLELISM": "false",
    "MONKEY": "banana-banana",
    "NAME": "penguin",
    "MY_SECRET": "no",
    "JAVA_TOOL_OPTIONS": "-Dstore.password=in-options -Xmx8m",
    "INDEX": "https://user:in-address@example.com/simple",
}


def test_secrets_of_the_environment_do_not_show() -> None:
    secrets = EnvironmentSecrets(ENVIRON)
    text = " ".join(ENVIRON.values())

    assert secrets.hide(text) == (
        "*** *** *** *** /opt/key.pem false banana-banana penguin no "
        "-Dstore.password=*** -Xmx8m https://user:***@example.com/simple"
    )
    line = json.dumps({"message": text, "more": [text], "n": 1}).encode() + b"\n"
    hidden = json.loads(secrets.hide_in_json(line))
    assert hidden == {"message": secrets.hide(text), "more": [secrets.hide(text)], "n": 1}
    large = b'{"a": 1e999, "b": "hf_abcdef"}\n'
    assert json.loads(secrets.hide_in_json(large)) == {"a": "1e999", "b": "***"}


RELAYED = """\
import os, subprocess, sys
from handler.serve.log_relay import LogRelay
relay = LogRelay(os.environ)
relay.begin()
{}
relay.end()
"""


def relayed(source: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What leaves a process that relays its log, by output and errors."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", RELAYED.format(source)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    out, errors = done.stdout.decode("ascii"), done.stderr.decode("ascii")
    return [json.loads(line) for line in out.splitlines()], [
        json.loads(line) for line in errors.splitlines()
    ]


def test_a_killed_child_loses_nothing() -> None:
    code = "import os; os.write(1, b'x' * 300_000 + b'\\nlast, no end'); os.kill(os.getpid(), 9)"
    out, _ = relayed(f"subprocess.run([sys.executable, '-c', {code!r}])")

    assert sum(str(line["message"]).count("x") for line in out) == 300_000
    assert out[-1]["message"] == "last, no end"


def test_nobody_is_waited_for() -> None:
    """A process that goes on holds the pipes."""
    out, errors = relayed(
        "import atexit\natexit.register(subprocess.Popen(['sleep', '600']).kill)\n"
        "os.write(1, b'out')\nos.write(2, b'error\\n')"
    )

    assert [line["message"] for line in out] == ["out"]
    assert [(line["level"], line["message"]) for line in errors] == [("WARNING", "error")]
