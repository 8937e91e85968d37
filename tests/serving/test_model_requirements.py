"""A model's own requirements.txt: what it lacks is there when it is served."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.serving.conftest import Tree, run_to_its_end, running

pytestmark = pytest.mark.slow

METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\nRequires-Dist: numpy\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path) -> Path:
    """A package of one module, which needs numpy, as a wheel file."""
    file = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tiny.py", "NAME = 'tiny'\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return file


def with_code(tree: Tree, requirements: str) -> None:
    code = tree.paths.model / "code"
    code.mkdir()
    (code / "requirements.txt").write_text(requirements)
    source = "import numpy, tiny\ndef predict_fn(data, model): return [tiny.NAME, numpy.__file__]"
    (code / "inference.py").write_text(source)


def test_installs_what_is_lacking_and_no_more(positional: Tree) -> None:
    """The package comes into the scratch folder; numpy, which is there, stays the environment's."""
    import numpy as np

    with_code(positional, f"# what the model needs\nnumpy\n{wheel(positional.root)}\n")

    with running(positional, MODEL_SERVER_WORKERS="1") as server:
        answer = json.loads(server.post("1,2\n").body)

    assert answer == ["tiny", np.__file__]


def test_says_what_pip_says(positional: Tree) -> None:
    """What can't be installed ends the server with pip's own line."""
    with_code(positional, "./absent-1.0-py3-none-any.whl\n")

    code, output = run_to_its_end(positional)

    assert code == 4
    assert "absent" in output.splitlines()[-1]
    assert "requirements.txt" in output.splitlines()[-1]
