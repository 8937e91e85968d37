"""SIGHUP: every model is loaded anew, served as before until it has loaded, and nothing is lost."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from tests.serving.conftest import DEADLINE, make_tree, survivors
from tests.serving.test_misbehaviour import wait_until
from tests.serving.test_stop import PLATFORM_SECONDS, Serving, load, serving

pytestmark = pytest.mark.slow

CLIENTS = 8
BEFORE, AFTER = 1, 2
ANEW = "is served as it has been loaded anew"
KEPT = "goes on as it was loaded before, not anew"
# What an inference.py of a version answers, and how long it takes where it is told to.
PROGRAM = """\
import time

VERSION = {version}


def predict_fn(data, model):
    if data[0, 0] > 100:
        print("a long prediction begins", flush=True)
        time.sleep(3)
    return [VERSION for _ in data]
"""
# A load that has read the artifact, and then waits until it is allowed to go on.
SLOW_LOAD = """\
import time
from pathlib import Path

import joblib


def model_fn(model_dir):
    model = joblib.load(Path(model_dir) / "model.joblib")
    (Path(model_dir) / "begun").touch()
    while not (Path(model_dir) / "go").exists():
        time.sleep(0.01)
    return model
"""
KILLS_ITSELF = """\
import os
import signal


def model_fn(model_dir):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def save_version(folder: Path, version: int) -> None:
    """A model that answers with a number."""
    folder.mkdir(parents=True, exist_ok=True)
    X = np.zeros((2, 2))
    model = DummyRegressor(strategy="constant", constant=version).fit(X, [0, 1])
    new = folder / ".new"
    joblib.dump(model, new)
    new.replace(folder / "model.joblib")


def save_program(folder: Path, version: int) -> None:
    """User code that answers with a number."""
    (folder / "inference.py").write_text(PROGRAM.format(version=version), encoding="utf-8")


def version_of(body: bytes) -> int:
    """Which version an answer is of."""
    [[value]] = np.atleast_2d(json.loads(body)).tolist()
    return int(value)


def asked(one: Serving, body: str = "1,2") -> int:
    status, answer = one.ask(body)
    assert status == 200, answer
    return version_of(answer)


@dataclass
class Steady:
    """A client that asks without a pause, on one connection, until it is told to stop."""

    serving: Serving
    answers: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    is_over: bool = False
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        headers = {"Content-Type": "text/csv", "Accept": "application/json"}
        with closing(self.serving.connection()) as one:
            while not self.is_over:
                one.request("POST", self.serving.path, "1,2", headers)
                answer = one.getresponse()
                body = answer.read()
                if answer.status == 200:
                    self.answers.append(version_of(body))
                else:
                    self.failures.append(f"{answer.status} {body!r}")

    def has_answers(self, count: int) -> bool:
        return len(self.answers) + len(self.failures) >= count


@contextmanager
def steady(one: Serving, count: int = CLIENTS) -> Iterator[list[Steady]]:
    """Clients that ask during the block."""
    clients = [Steady(one) for _ in range(count)]
    try:
        wait_until(lambda: all(client.has_answers(1) for client in clients), DEADLINE)
        yield clients
    finally:
        for client in clients:
            client.is_over = True
        for client in clients:
            client.thread.join(DEADLINE)


def reload(one: Serving, outcome: str = ANEW, times: int = 1) -> None:
    """Have the models loaded anew, and wait until the log says how that went for each."""
    known = one.log.read_text().count(outcome)
    one.process.send_signal(signal.SIGHUP)
    wait_until(lambda: one.log.read_text().count(outcome) == known + times, DEADLINE)


def end(one: Serving) -> None:
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(PLATFORM_SECONDS) == 0


@pytest.mark.parametrize(
    ("multi_model", "settings"),
    [
        (False, {"MODEL_SERVER_WORKERS": "1"}),
        (False, {"MODEL_SERVER_WORKERS": "2"}),
        (True, {"BYO_BACKEND": "own"}),
        (True, {"BYO_BACKEND": "shared"}),
    ],
    ids=["one worker", "two workers", "one of many", "shared"],
)
def test_a_new_model_is_served_and_no_request_is_lost(
    tmp_path: Path, multi_model: bool, settings: dict[str, str]
) -> None:
    """First the old one answers, then the new one; in between, neither an error nor a gap."""
    tree = make_tree(tmp_path)
    save_version(tree.paths.model, BEFORE)
    with serving(tree, multi_model=multi_model, **settings) as one:
        if multi_model:
            load(one, "first", tree.paths.model)
        with steady(one) as clients:
            save_version(tree.paths.model, AFTER)

            reload(one)

            wait_until(lambda: all(map(is_new, clients)), DEADLINE)
        end(one)
    assert [failure for client in clients for failure in client.failures] == []
    for client in clients:
        assert set(client.answers) == {BEFORE, AFTER}
    assert survivors(tree) == []
    assert "another takes its place" not in one.log.read_text()


def is_new(client: Steady) -> bool:
    return bool(client.answers) and client.answers[-1] == AFTER


def test_new_code_is_served_and_what_is_under_way_ends(tmp_path: Path) -> None:
    """One worker is at work for seconds: the other connections move on, its own when it is done."""
    tree = make_tree(tmp_path)
    save_version(tree.paths.model, BEFORE)
    save_program(tree.algorithm.folder, BEFORE)
    answers: list[int] = []
    with serving(tree, MODEL_SERVER_WORKERS="2") as one:
        thread = threading.Thread(target=lambda: answers.append(asked(one, "1000,0")))
        thread.start()
        wait_until(lambda: one.logged("a long prediction begins"), DEADLINE)
        save_program(tree.algorithm.folder, AFTER)

        reload(one)

        wait_until(lambda: asked(one) == AFTER, DEADLINE)
        thread.join(DEADLINE)
        end(one)
    assert answers == [BEFORE]


@pytest.mark.parametrize("multi_model", [False, True], ids=["single", "one of many"])
def test_a_model_that_fails_to_load_keeps_the_old_one(tmp_path: Path, multi_model: bool) -> None:
    """The log says why, and the next one that loads is served."""
    tree = make_tree(tmp_path)
    save_version(tree.paths.model, BEFORE)
    with serving(tree, multi_model=multi_model) as one:
        if multi_model:
            load(one, "first", tree.paths.model)
        (tree.paths.model / "model.joblib").write_bytes(b"no model")

        reload(one, KEPT)

        assert asked(one) == BEFORE
        [line] = [line for line in one.log.read_text().splitlines() if KEPT in line]
        assert "model.joblib" in line
        save_version(tree.paths.model, AFTER)
        reload(one)
        wait_until(lambda: asked(one) == AFTER, DEADLINE)
        end(one)


def test_a_load_that_ends_its_process_keeps_the_old_one(tmp_path: Path) -> None:
    """As the kernel does for lack of memory: the process says nothing, so another one does."""
    tree = make_tree(tmp_path)
    save_version(tree.paths.model, BEFORE)
    with serving(tree, MODEL_SERVER_WORKERS="1") as one:
        (tree.algorithm.folder / "inference.py").write_text(KILLS_ITSELF, encoding="utf-8")

        reload(one, KEPT)

        assert one.logged("ended without a word (killed by SIGKILL)")
        assert asked(one) == BEFORE
        end(one)


def test_code_that_asks_for_more_than_is_installed_waits_for_a_restart(tmp_path: Path) -> None:
    """It is not served without what it asks for; the log names it."""
    tree = make_tree(tmp_path)
    save_version(tree.paths.model, BEFORE)
    with serving(tree) as one:
        save_version(tree.paths.model, AFTER)
        (tree.algorithm.folder / "requirements.txt").write_text("not-installed-here==1\n")

        reload(one, KEPT)

        assert asked(one) == BEFORE
        assert one.logged("asks for more than is installed, which needs a restart")
        assert one.logged("not-installed-here==1")
        end(one)


def test_reloads_are_not_counted_as_deaths(tmp_path: Path) -> None:
    """More of them than a model's processes may die in a row."""
    tree = make_tree(tmp_path)
    save_version(tree.paths.model, 0)
    with serving(tree, MODEL_SERVER_WORKERS="2") as one:
        for version in range(1, 7):
            save_version(tree.paths.model, version)
            reload(one)
        wait_until(lambda: asked(one) == version, DEADLINE)
        end(one)
    assert "answers with 503" not in one.log.read_text()


def test_a_signal_during_a_reload_is_remembered(tmp_path: Path) -> None:
    """What was changed after the load had begun is loaded after it."""
    tree = make_tree(tmp_path)
    (tree.algorithm.folder / "inference.py").write_text(SLOW_LOAD, encoding="utf-8")
    save_version(tree.paths.model, BEFORE)
    begun, go = tree.paths.model / "begun", tree.paths.model / "go"
    go.touch()
    with serving(tree, MODEL_SERVER_WORKERS="1") as one:
        go.unlink()
        begun.unlink()
        one.process.send_signal(signal.SIGHUP)
        wait_until(begun.exists, DEADLINE)
        save_version(tree.paths.model, AFTER)
        one.process.send_signal(signal.SIGHUP)
        wait_until(lambda: one.log.read_text().count("SIGHUP: every model") == 2, DEADLINE)
        go.touch()

        wait_until(lambda: one.log.read_text().count(ANEW) == 2, DEADLINE)

        wait_until(lambda: asked(one) == AFTER, DEADLINE)
        end(one)
