"""What stands in the environment and in paths, and would lead the frontend astray."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.serving.conftest import Tree, make_tree, run_to_its_end, running, save_positional

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("one,two", "own"),
        ("one,two", "stock"),
        ("a=b c", "own"),
        ("it's #1% \u00fc:..ber\u00df", "own"),
    ],
)
def test_a_base_folder_with_odd_characters(tmp_path: Path, name: str, backend: str) -> None:
    """Commas, blanks, signs and letters beyond ASCII; scratch in such a folder, too."""
    root = tmp_path / name
    root.mkdir()
    tree = make_tree(root)
    save_positional(tree.paths.model)
    source = "def predict_fn(data, model, context): return [context.model_name, str(data.shape)]"
    (tree.algorithm.folder / "inference.py").write_text(source)

    with running(tree, BYO_BACKEND=backend, MODEL_SERVER_WORKERS="1", TMPDIR=str(root)) as server:
        assert json.loads(server.post("2,0\n").body) == ["model", "(1, 2)"]


def test_a_model_that_the_frontend_does_not_take(positional: Tree) -> None:
    """It listens all the same; the server ends, and does not wait for a load that never comes."""
    (positional.paths.model / "MAR-INF").mkdir()
    manifest = '{"runtime": "rust", "model": {"modelName": "m"}}'
    (positional.paths.model / "MAR-INF" / "MANIFEST.json").write_text(manifest)

    code, output = run_to_its_end(positional)

    assert code == 4
    assert "the frontend did not take the model" in output.splitlines()[-1]


def test_variables_of_the_model_server(positional: Tree, tmp_path: Path) -> None:
    """Some count, the others are named in the log, none replaces the configuration."""
    foreign = tmp_path / "config.properties"
    foreign.write_text("inference_address=http://127.0.0.1:1\nload_models=ALL\n")
    variables = {
        "MMS_CONFIG_FILE": str(foreign),
        "MMS_MAX_REQUEST_SIZE": "1000",
        "MMS_DEFAULT_WORKERS_PER_MODEL": "1",
        "MMS_JOB_QUEUE_SIZE": "7",
        "MMS_DEFAULT_RESPONSE_TIMEOUT": "9",
        "MMS_NUMBER_OF_NETTY_THREADS": "3",
        "MMS_OF_TOMORROW": "x",
        "MODEL_SERVER_HOME": str(tmp_path),
    }

    with running(positional, **variables) as server:
        answers = [server.post("2,0\n" * count).status for count in (1, 1000)]
        log = server.log.read_text()

    assert answers == [200, 413]
    assert "timeout 9 s, payload up to 1000 bytes, queue 7" in log
    assert "MMS_CONFIG_FILE is not heeded: " in log
    assert "MMS_NUMBER_OF_NETTY_THREADS is not heeded: the frontend's threads follow" in log
    assert "MMS_OF_TOMORROW is not heeded: nothing here corresponds to it" in log
    assert "MMS_MAX_REQUEST_SIZE is not" not in log


def test_settings_of_the_sdk_and_of_the_jvm(positional: Tree) -> None:
    """A log level in one more pair of quotes; a collector and a small heap in the place of ours."""
    variables = {
        "SAGEMAKER_CONTAINER_LOG_LEVEL": '"20"',
        "SAGEMAKER_MODEL_SERVER_VMARGS": "-XX:+UseParallelGC -Xmx48m",
    }
    with running(positional, **variables) as server:
        assert server.post("2,0\n").status == 200
