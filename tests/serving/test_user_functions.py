"""The functions of the contract: which are the user's, and how each is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import pytest
from sklearn.preprocessing import StandardScaler

from contract.errors import ByoError, ModelLoadError, UserCodeError
from handler.invocation.context import InvocationContext
from handler.invocation.default_prediction import predictor_of
from handler.invocation.model_artifact import find_artifact, load_artifact
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request
from handler.invocation.user_functions import UserFunctions, with_context
from handler.invocation.what_user_functions_see import as_users_expect

CONTEXT = object()


def module(source: str) -> ModuleType:
    """A user's module with this source."""
    made = ModuleType("inference")
    exec(source, made.__dict__)
    return made


def keyword_context(data: Any, model: Any, *, context: Any = None) -> Any:
    return data, model, context


def variadic(*arguments: Any) -> Any:
    return arguments


class Model:
    def method(self, data: Any, model: Any, context: Any) -> Any:
        return data, model, context


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda data, model: (data, model), (1, 2)),
        (lambda data, model, context: (data, model, context), (1, 2, CONTEXT)),
        (lambda data, model, context=None: (data, model, context), (1, 2, CONTEXT)),
        (lambda data, model, ctx: (data, model, ctx), (1, 2, CONTEXT)),
        (lambda data, model, threshold=0.5: (data, model, threshold), (1, 2, 0.5)),
        (keyword_context, (1, 2, CONTEXT)),
        (variadic, (1, 2)),
        (Model().method, (1, 2, CONTEXT)),
    ],
)
def test_context_goes_where_there_is_a_place_for_it(
    function: Callable[..., Any], result: object
) -> None:
    """With or without a trailing context, and never in place of a default of the user's own."""
    assert with_context(function, 2)(1, 2, CONTEXT) == result


@pytest.mark.parametrize("function", [lambda data: data, lambda a, b, c, d: a, lambda: None, 3])
def test_a_function_that_cannot_be_called_is_refused(function: Any) -> None:
    """A wrong number of parameters is found when the model loads, not at the first invocation."""
    with pytest.raises(UserCodeError):
        with_context(function, 2)


def test_only_what_the_user_wrote_is_the_users() -> None:
    """What a module lacks is left to the defaults."""
    functions = UserFunctions.of_module(module("def model_fn(model_dir): return 'm'"))

    assert functions.names() == ["model_fn"]
    assert functions.model_fn is not None
    assert functions.model_fn("dir", None) == "m"


def test_transform_replaces_the_other_three() -> None:
    """As in the toolkit, transform_fn beside what it replaces is a mistake."""
    source = "def transform_fn(m, b, c, a): ...\ndef predict_fn(d, m): ..."

    with pytest.raises(UserCodeError, match="transform_fn and also predict_fn"):
        UserFunctions.of_module(module(source))


TOOLKIT_SUBCLASS = """
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler

class Mine(DefaultInferenceHandler):
    def default_model_fn(self, model_dir, context=None):
        return "of the class"
    def default_predict_fn(self, data, model, context=None):
        return "of the class"

def predict_fn(data, model):
    return "of the module"
"""


def test_a_subclass_of_the_toolkits_handler_counts() -> None:
    """What the module lacks comes from the subclass; what neither has stays a default of ours."""
    functions = UserFunctions.of_module(module(TOOLKIT_SUBCLASS))

    assert functions.names() == ["model_fn", "predict_fn"]
    assert functions.model_fn is not None
    assert functions.model_fn("dir", None) == "of the class"
    assert functions.predict_fn is not None
    assert functions.predict_fn(1, 2, None) == "of the module"


def test_importing_the_toolkits_handler_is_not_deriving_from_it() -> None:
    """The base class itself, imported by a user's module, overrides nothing."""
    source = TOOLKIT_SUBCLASS.split("class")[0]

    assert UserFunctions.of_module(module(source)) == UserFunctions()
    assert "sagemaker_inference.default_inference_handler" in sys.modules


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["model.joblib", "other.joblib"], "model.joblib"),
        (["model.pkl"], "model.pkl"),
        (["decision-tree.pkl", "records.txt"], "decision-tree.pkl"),
        (["rf.joblib", "._rf.joblib", ".DS_Store", "._signature.json"], "rf.joblib"),
        (["rf.joblib", "__MACOSX/._rf.joblib", "__MACOSX/rf.joblib"], "rf.joblib"),
        (["rf.joblib", ".rf.pkl.swp", ".old.pkl", "rf.joblib.part"], "rf.joblib"),
        (["rf.joblib", "code/vocabulary.pkl", "assets/other.joblib"], "rf.joblib"),
        (["rf.joblib.gz"], "rf.joblib.gz"),
        (["RF.PKL"], "RF.PKL"),
        (["finalized_model.sav"], "finalized_model.sav"),
        (["clf.p", "Thumbs.db", "lost+found/x"], "clf.p"),
    ],
)
def test_finds_the_artifact(tmp_path: Path, files: list[str], found: str) -> None:
    """By its usual name, else by being the only one."""
    lay(tmp_path, files)

    assert find_artifact(tmp_path).name == found


def lay(folder: Path, files: list[str]) -> None:
    """Make empty files, and folders where a name ends with a slash."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).touch()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no artifact: it is empty"),
        (["a.pkl", "b.joblib"], r"several artifacts \(a\.pkl, b\.joblib\)"),
        (["._rf.joblib", ".DS_Store"], "no artifact: it is empty"),
        (["model.h5", "notes.txt"], r"it holds model\.h5, notes\.txt. Save the model as"),
        (["model.joblib/", "code/x.pkl"], r"it holds code/, model\.joblib/"),
        (["model.tar.gz"], r"model\.tar\.gz lies there packed: unpack it"),
        (["model.joblib.part", ".DS_Store"], "a download that was broken off"),
        (["model/model.joblib"], r"model/model\.joblib lies in a folder below it. Pack the files"),
        (["1/a.pkl", "1/b.pkl", "__MACOSX/a.pkl"], r"1/a\.pkl, 1/b\.pkl lies in a folder"),
    ],
)
def test_says_when_the_artifact_is_not_clear(
    tmp_path: Path, files: list[str], message: str
) -> None:
    """None, or more than one without a usual name: what there is, and what to do."""
    lay(tmp_path, files)

    with pytest.raises(ModelLoadError, match=message):
        find_artifact(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x04cabsent_package\nThing\n."])
def test_a_broken_artifact_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever is wrong with the file, the one error type names it."""
    (tmp_path / "model.joblib").write_bytes(content)

    with pytest.raises(ModelLoadError, match=r"model\.joblib can't be loaded"):
        load_artifact(tmp_path)


def test_loads_and_transforms_by_default(tmp_path: Path) -> None:
    """A model without predict is a transformer."""
    joblib.dump(StandardScaler().fit([[0.0], [2.0]]), tmp_path / "model.joblib")

    model = load_artifact(tmp_path)

    assert predictor_of(model)([[1.0]]).tolist() == [[0.0]]
    with pytest.raises(UserCodeError, match="neither predict nor transform"):
        predictor_of(object())([[1.0]])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x00\x05\x16\x07\x00\x02", "what macOS notes about a file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><p>Access denied", "an HTML page"),
    ],
)
def test_says_what_a_file_is_that_is_no_model(tmp_path: Path, content: bytes, reason: str) -> None:
    """Whatever joblib makes of it."""
    (tmp_path / "model.joblib").write_bytes(content)

    with pytest.raises(ModelLoadError, match=f"(?i){reason}"):
        load_artifact(tmp_path)


@pytest.mark.parametrize(
    "returned",
    [
        "{'MaxConcurrentTransforms': 8}",
        "'{\"MaxConcurrentTransforms\": 8}'",
        "type('Response', (), {'response': '{\"MaxConcurrentTransforms\": 8}'})()",
        "type('Response', (), {'get_data': lambda self: b'{\"MaxConcurrentTransforms\": 8}'})()",
    ],
)
def test_execution_parameters_in_each_form(returned: str) -> None:
    """A dict, its JSON, or a response of AWS's frameworks."""
    source = f"def execution_parameters_fn(): return {returned}"
    pipeline = Pipeline(None, UserFunctions.of_module(module(source)))

    assert pipeline.execution_parameters() == {"MaxConcurrentTransforms": 8}
    assert Pipeline(None).execution_parameters() is None


@pytest.mark.parametrize("returned", ["8", "'8 at a time'", "[8]", "1 / 0"])
def test_execution_parameters_that_are_none(returned: str) -> None:
    """The error is one line, whatever the function does."""
    source = f"def execution_parameters_fn(): return {returned}"
    pipeline = Pipeline(None, UserFunctions.of_module(module(source)))

    with pytest.raises(ByoError):
        pipeline.execution_parameters()
    with pytest.raises(UserCodeError, match="execution_parameters_fn must take no arguments"):
        UserFunctions.of_module(module("def execution_parameters_fn(environ): ..."))


@pytest.mark.parametrize(
    ("sent", "handed"),
    [
        (None, None),
        ("text/csv", "text/csv"),
        ("Text/CSV; charset=utf-8", "text/csv"),
        ("text/csv; charset=latin-1", "text/csv"),
        ("text/csv; label_size=1", "text/csv; label_size=1"),
        ("text/csv;charset=utf-8;label_size=1", "text/csv; label_size=1"),
        ("application/json; version=2", "application/json; version=2"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("text/plain; charset=latin-1", "text/plain; charset=latin-1"),
        ("application/x-image; width=3", "application/x-image; width=3"),
        ("no type", "no type"),
    ],
)
def test_the_content_type_that_functions_get(sent: str | None, handed: str | None) -> None:
    """With its parameters, but for a charset that is no concern of theirs."""
    assert as_users_expect(Request(b"1", sent))[0] == handed


@pytest.mark.parametrize(
    ("sent", "handed"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/csv; header=present", "text/csv; header=present"),
        ("text/csv;q=0.5, application/x-npy", "application/x-npy"),
        ("application/json; charset=utf-8", "application/json"),
    ],
)
def test_the_accept_that_functions_get(sent: str | None, handed: str) -> None:
    """The type that is wanted most, with its parameters."""
    source = (
        "def input_fn(body, content_type): return body\n"
        "def predict_fn(data, model): return data\n"
        "def output_fn(prediction, accept): return accept\n"
    )
    pipeline = Pipeline(None, UserFunctions.of_module(module(source)))

    response = pipeline.invoke(Request(b"1", "text/csv", sent))

    assert (response.body.decode(), response.content_type) == (handed, handed)


def test_the_whole_headers_are_the_contexts() -> None:
    """By their names in any case."""
    headers = {"content-type": "text/csv; label_size=1", "Accept": "text/csv;q=0.5, */*;q=0.1"}
    context = InvocationContext("model", Path("/m"), "7", headers)

    assert context.get_request_header(0, "Content-Type") == "text/csv; label_size=1"
    assert context.get_request_header(0, "accept") == "text/csv;q=0.5, */*;q=0.1"
    assert context.get_request_header(0, "absent") is None
    assert context.get_all_request_header(0) == headers
