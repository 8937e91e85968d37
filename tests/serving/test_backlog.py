"""One worker, and more callers than it can answer in time: who would wait in vain is told."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.serving.conftest import DEADLINE, make_tree, save_positional
from tests.serving.test_misbehaviour import wait_until
from tests.serving.test_stop import Serving, serving

pytestmark = pytest.mark.slow

TIMEOUT_SECONDS = 3
EACH_SECONDS = 0.2
# So many are answered, one after the other, before anything can be said of how long one takes.
KNOWN = 20
# More than can be answered within the timeout, fewer than the queue holds.
CALLERS = 60
PROGRAM = f"""\
import time


def predict_fn(data, model):
    time.sleep({EACH_SECONDS})
    return model.predict(data)
"""


@dataclass
class Caller:
    """Asks once, and keeps the answer."""

    serving: Serving
    status: int = 0
    retry_after: str | None = None
    body: bytes = b""
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with closing(self.serving.connection()) as one:
            one.request("POST", self.serving.path, "1,2", {"Content-Type": "text/csv"})
            answer = one.getresponse()
            self.retry_after = answer.getheader("Retry-After")
            self.body = answer.read()
            self.status = answer.status


def ask_at_once(one: Serving, number: int) -> list[Caller]:
    """So many callers at a time, each answered."""
    callers = [Caller(one) for _ in range(number)]
    for caller in callers:
        caller.thread.join(DEADLINE)
    assert 0 not in {caller.status for caller in callers}
    return callers


def test_who_would_wait_too_long_is_told_at_once(tmp_path: Path) -> None:
    """With 503 and when to try again; the others are answered, and later ones again."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    (tree.algorithm.folder / "inference.py").write_text(PROGRAM, encoding="utf-8")
    timeout = str(TIMEOUT_SECONDS)
    with serving(tree, MODEL_SERVER_WORKERS="1", MODEL_SERVER_TIMEOUT=timeout) as one:
        assert {one.ask("1,2")[0] for _ in range(KNOWN)} == {200}

        callers = ask_at_once(one, CALLERS)

        refused = [caller for caller in callers if caller.status == 503]
        assert {caller.status for caller in callers} == {200, 503}
        for caller in refused:
            assert int(caller.retry_after or 0) >= 1
            assert "longer than the 3 s" in json.loads(caller.body)["detail"]
        told = one.log.read_text().count("503 POST /invocations: ")
        assert told == len(refused)
        wait_until(lambda: one.ask("1,2")[0] == 200, DEADLINE)


def test_a_full_queue_says_when_to_try_again(tmp_path: Path) -> None:
    """The frontend's own 503, for which it has no such header."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    (tree.algorithm.folder / "inference.py").write_text(PROGRAM, encoding="utf-8")
    settings = {"MODEL_SERVER_WORKERS": "1", "SAGEMAKER_MODEL_JOB_QUEUE_SIZE": "1"}
    with serving(tree, **settings) as one:
        callers = ask_at_once(one, CALLERS)

    refused = [caller for caller in callers if caller.status == 503]
    told = one.log.read_text().count("503 POST /invocations: No worker is available")
    assert told == len(refused)
    assert {caller.status for caller in callers} == {200, 503}
    for caller in refused:
        assert int(caller.retry_after or 0) >= 1
        assert json.loads(caller.body)["message"].startswith("No worker is available")
