"""Archives of multi-model-server, whose manifest names a handler of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.errors import ModelLoadError
from handler.invocation.archive_handler import find
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, make_tree, run_to_its_end, running, save_positional
from tests.serving.test_multi_model import invoke, load

FUNCTION = """
import joblib

MODEL = None

def handle(data, context):
    global MODEL
    if data is None:
        folder = context.system_properties["model_dir"]
        MODEL = joblib.load(folder + "/model.joblib")
        return None
    body = data[0]["body"]
    if body == "fail":
        raise RuntimeError("told to")
    name = context.manifest["model"]["modelName"]
    rows = body if isinstance(body, list) else [[float(cell) for cell in body.split(",")]]
    return [{"answer": MODEL.predict(rows).tolist(), "type": type(body).__name__, "of": name}]
"""
CLASS = """
import joblib

class Service:
    def initialize(self, context):
        self.model = joblib.load(context.system_properties["model_dir"] + "/model.joblib")

    def handle(self, data, context):
        context.set_response_content_type(0, "text/csv")
        return [str(self.model.predict([[2, 0]])[0])]
"""


def pack(model_dir: Path, handler: object, source: str, name: str = "service.py") -> None:
    save_positional(model_dir)
    (model_dir / "MAR-INF").mkdir()
    manifest = {"runtime": "python", "model": {"modelName": "mine", "handler": handler}}
    (model_dir / "MAR-INF" / "MANIFEST.json").write_text(json.dumps(manifest))
    (model_dir / name).parent.mkdir(exist_ok=True)
    (model_dir / name).write_text(source)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["own", "stock"])
def test_a_function_is_called_as_multi_model_server_calls_it(tree: Tree, backend: str) -> None:
    """With JSON and text decoded, a context with the manifest, and answers of any kind."""
    pack(tree.paths.model, "service.py:handle", FUNCTION)
    (tree.algorithm.folder / "inference.py").write_text("def predict_fn(d, m): return [0]")

    with running(tree, MODEL_SERVER_WORKERS="1", BYO_BACKEND=backend) as server:
        text = server.post("2,0", "text/csv")
        document = server.post("[[0, 0], [3, 0]]", "application/json")
        failed = server.post("fail", "text/plain")
        eventually(lambda: "inference.py is not used" in server.log.read_text())

    assert json.loads(text.body) == {"answer": [1], "type": "str", "of": "mine"}
    assert json.loads(document.body) == {"answer": [0, 1], "type": "list", "of": "mine"}
    assert failed.status == 500


@pytest.mark.slow
@pytest.mark.parametrize(
    ("handler", "name"),
    [("service", "service.py"), ("pkg.service:Service", "pkg/service.py")],
)
def test_a_class_of_a_module(tree: Tree, handler: str, name: str) -> None:
    """Its one class, whatever the manifest calls a function."""
    pack(tree.paths.model, handler, CLASS.replace("class Service", "class Kind"), name)

    with running(tree, MODEL_SERVER_WORKERS="1") as server:
        answer = server.post("2,0", "application/octet-stream")

    assert (answer.status, answer.body, answer.content_type) == (200, b"1", "text/csv")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["own", "shared", "stock"])
def test_of_many_models(tmp_path: Path, backend: str) -> None:
    """Two archives whose handlers have one name do not meet."""
    tree = make_tree(tmp_path)
    for answer in ("left", "right"):
        source = f"def handle(data, context): return [{answer!r}]"
        pack(tmp_path / answer, "service:handle", source)

    with running(tree, multi_model=True, BYO_BACKEND=backend) as server:
        assert [load(server, name, tmp_path / name) for name in ("left", "right")] == [200, 200]
        answers = [invoke(server, name) for name in ("left", "right")]

    assert answers == [(200, b"left"), (200, b"right")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("handler", "source", "settings", "reason"),
    [
        ("absent.py:handle", "", {}, "names the handler absent.py, which is not here"),
        ("service:handle", "import absent_package", {}, "No module named 'absent_package'"),
        ("service:handle", "X = 1", {}, "must define that function, or one class"),
        ("service:handle", "def handle(d, c): raise OSError('no weights')", {}, "no weights"),
        (
            "service:handle",
            "def handle(d, c): raise OSError('no weights')",
            {"BYO_BACKEND": "stock"},
            "no weights",
        ),
        (7, FUNCTION, {}, "the model's handler must be text"),
    ],
)
def test_says_why_a_handler_cannot_be_used(
    tree: Tree, handler: object, source: str, settings: dict[str, str], reason: str
) -> None:
    """On the last line; nothing is served in its place."""
    pack(tree.paths.model, handler, source)

    code, output = run_to_its_end(tree, **settings)

    assert code in (2, 4)
    assert reason in output.splitlines()[-1]


@pytest.mark.parametrize(
    "handler",
    ["handler.service:handle", "sagemaker_sklearn_container.handler_service:handle", None],
)
def test_a_containers_own_handler_is_ours(tmp_path: Path, handler: str | None) -> None:
    """The defaults serve such an archive."""
    pack(tmp_path / "m", handler, "")

    assert find(tmp_path / "m") is None


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("MAR-INF/MANIFEST.json", "{", "MANIFEST.json can't be read"),
        ("MAR-INF/MANIFEST.json", "[]", "must hold a JSON object"),
        ("MANIFEST.json", '{"Engine": {"MXNet": 1}, "Model": {}}', "multi-model-server 0.4"),
    ],
)
def test_manifests_that_are_refused(tmp_path: Path, file: str, text: str, reason: str) -> None:
    """Each by its own sentence."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)

    with pytest.raises(ModelLoadError, match=reason):
        find(tmp_path)
