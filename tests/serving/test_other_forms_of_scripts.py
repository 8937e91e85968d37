"""Scripts in the forms of other servers: used as they are meant, or named in the log."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import pytest
from sklearn.preprocessing import LabelEncoder, StandardScaler

from contract.errors import ModelLoadError, PredictionFailed
from handler.invocation import artifacts_beside, main_module
from handler.invocation.archive_handler import handler_in
from handler.invocation.misnamed_functions import warnings_on
from handler.invocation.user_functions import UserFunctions
from handler.invocation.users_answer import UsersAnswer
from tests.serving.conftest import Tree, running, save_positional


def module(source: str) -> ModuleType:
    """A user's module with this source."""
    made = ModuleType("inference")
    exec(source, made.__dict__)
    return made


@pytest.mark.parametrize("context", ["", ", context"])
def test_a_coroutine_function_is_waited_for(context: str) -> None:
    """With a context where it has a place for one, and what it raises is raised."""
    source = (
        "import asyncio\n"
        f"async def predict_fn(data, model{context}):\n"
        "    await asyncio.sleep(0)\n"
        "    return data[model]\n"
    )
    predict = UserFunctions.of_module(module(source)).predict_fn

    assert predict is not None
    assert predict({"a": 1}, "a", None) == 1
    with pytest.raises(KeyError):
        predict({}, "a", None)


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("def handle(data, context): return []", True),
        ("class Kind:\n    def handle(self, data, context): return []", True),
        ("class Helper: ...\nclass Kind:\n    def handle(self, data, context): ...", True),
        ("from json import dumps as handle", False),
        ("class A:\n    def handle(self): ...\nclass B:\n    def handle(self): ...", False),
        ("handle = 3", False),
        ("", False),
    ],
)
def test_a_handler_of_other_servers_is_told(source: str, is_one: bool) -> None:
    """A function of the module's own, or the one class that has such a method."""
    assert (handler_in(module(source)) is not None) == is_one


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["own", "stock"])
def test_a_handler_in_the_place_of_functions_is_served(tree: Tree, backend: str) -> None:
    """Without a manifest, in inference.py; its class is initialized first."""
    save_positional(tree.paths.model)
    (tree.algorithm.folder / "inference.py").write_text(
        "class Handler:\n"
        "    def initialize(self, context):\n"
        "        self.folder = context.system_properties['model_dir']\n"
        "    def handle(self, data, context):\n"
        "        return [{'folder': self.folder, 'body': data[0]['body']}]\n"
    )

    with running(tree, MODEL_SERVER_WORKERS="1", BYO_BACKEND=backend) as server:
        answer = server.post("[1]", "application/json")

    assert json.loads(answer.body) == {"folder": str(tree.paths.model), "body": [1]}


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        (("a,b", "text/csv"), UsersAnswer(b"a,b", "text/csv")),
        (("no", 404), UsersAnswer(b"no", None, 404)),
        (("no", 422, "text/plain"), UsersAnswer(b"no", "text/plain", 422)),
        ((b"x", "text/csv", 201), UsersAnswer(b"x", "text/csv", 201)),
        ((1, 2), UsersAnswer((1, 2))),
        ([b"x", "text/csv"], UsersAnswer([b"x", "text/csv"])),
    ],
)
def test_a_body_may_have_a_status(answer: Any, taken: UsersAnswer) -> None:
    """In the order of Flask or of a pair; what is no body is a prediction."""
    assert UsersAnswer.of(answer) == taken


@pytest.mark.parametrize("answer", [("a", 99), ("a", None), ("a", 200, {}), ("a", "b", "c", "d")])
def test_what_follows_a_body_and_says_nothing_is_no_prediction(answer: Any) -> None:
    """It would be answered as a list of a body and a number."""
    with pytest.raises(PredictionFailed, match="can't be told"):
        UsersAnswer.of(answer)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "def predict_func(data, model): ...",
            "predict_func is never called: is predict_fn meant?",
        ),
        ("def input_handler(data, context): ...", "input_handler is never called"),
        ("async def lambda_handler(event, context): ...", "is transform_fn meant?"),
        ("def predict(d): ...\ndef predict_fn(d, m): return predict(d)", None),
        ("def predict(d): ...\ndef predict_fn(d, m): ...", None),
        ("def help_out(d): ...", None),
    ],
)
def test_functions_that_nothing_calls_are_named(
    tmp_path: Path, source: str, said: str | None
) -> None:
    """Where their names say that they are meant to be called, and none of that name is there."""
    (tmp_path / "inference.py").write_text(source)

    found = list(warnings_on(tmp_path / "inference.py", [tmp_path]))

    assert (said is None and found == []) or (said is not None and said in found[0])


def test_a_program_of_the_classic_container_is_named(tmp_path: Path) -> None:
    """It would answer by itself there, and is not run here."""
    (tmp_path / "predictor.py").touch()

    assert "predictor.py is not used" in next(warnings_on(None, [tmp_path]))
    assert list(warnings_on(None, [tmp_path / "none"])) == []


@pytest.mark.parametrize("beside", [StandardScaler().fit([[1.0]]), LabelEncoder().fit(["a"])])
def test_a_transformer_beside_the_model_is_not_left_out(tmp_path: Path, beside: Any) -> None:
    """Unless a function of the user's decides what is done with a request."""
    save_positional(tmp_path)
    joblib.dump(beside, tmp_path / "further.pkl")

    with pytest.raises(ModelLoadError, match=r"further\.pkl holds a"):
        artifacts_beside.check(tmp_path, UserFunctions())
    artifacts_beside.check(tmp_path, UserFunctions(input_fn=lambda *_: 1))


@pytest.mark.parametrize("content", [b"", b"no pickle", None])
def test_other_files_beside_the_model_are_named(
    tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever they hold."""
    save_positional(tmp_path)
    if content is None:
        joblib.dump({"names": ["a"]}, tmp_path / "further.pkl")
    else:
        (tmp_path / "further.pkl").write_bytes(content)

    artifacts_beside.check(tmp_path, UserFunctions())

    assert "further.pkl is not used" in caplog.text


def test_the_main_module_of_child_processes_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a parallel fit has pickled refers to ``__mp_main__``."""
    import sys

    for name in ("__main__", "__mp_main__"):
        monkeypatch.setitem(sys.modules, name, sys.modules["__main__"])

    main_module.install([tmp_path], None)

    assert sys.modules["__mp_main__"] is sys.modules["__main__"]
