"""A model's own requirements.txt: what it lacks is there when it is served."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract.errors import UserCodeError
from contract.requirements.overlay import Overlay
from handler.serve.model_requirements import install
from tests.packages import OFFLINE, project, wheel
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, make_tree, run_to_its_end, running, save_positional
from tests.serving.test_multi_model import invoke, load

pytestmark = pytest.mark.slow

# A model of a class that needs the package.
KIND = """
import sklearn.tree, tiny
class Kind(sklearn.tree.DecisionTreeClassifier):
    name = tiny.NAME
"""
SAVE_KIND = """
import sys
sys.path[:0] = sys.argv[2:]
import joblib, kind
joblib.dump(kind.Kind().fit([[0, 0], [2, 0]], [0, 1]), sys.argv[1])
"""


def repository(folder: Path) -> Path:
    """The same under git: version 1.0 is tagged v1, and the work tree has version 2.0."""
    project(folder)
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for line in ("init -q", "add .", "commit -qm one", "tag v1"):
        subprocess.run(["git", *who, *line.split()], cwd=folder, check=True, timeout=30)
    project(folder, "2.0")
    subprocess.run(["git", *who, "commit", "-qam", "two"], cwd=folder, check=True, timeout=30)
    return folder


def installed(overlay: Overlay | None) -> list[str]:
    """The distributions that were installed."""
    assert overlay is not None
    found = overlay.site_packages.glob("*.dist-info")
    return sorted(one.name.removesuffix(".dist-info") for one in found)


@contextmanager
def private_index(wheels: Path) -> Iterator[str]:
    """An index that wants user:pw; the address, with them in it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            name = self.path.rstrip("/").rpartition("/")[2]
            if given != "Basic " + base64.b64encode(b"user:pw").decode():
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                body = b""
            elif name.endswith(".whl"):
                self.send_response(200)
                body = (wheels / name).read_bytes()
            else:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                links = [f'<a href="/files/{one.name}">{one.name}</a>' for one in wheels.iterdir()]
                body = "".join(links).encode() if name == "tiny" else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://user:pw@127.0.0.1:{server.server_port}/simple/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
    (positional.paths.model / "requirements.txt").write_text("absent==1\n")  # as MLflow writes it

    with running(positional, MODEL_SERVER_WORKERS="1") as server:
        answer = json.loads(server.post("1,2\n").body)
        log = server.log.read_text()

    assert f"{positional.paths.model / 'requirements.txt'} is not installed" in log
    assert answer == ["tiny", np.__file__]


def test_says_what_pip_says(positional: Tree) -> None:
    """What can't be installed ends the server with pip's own line."""
    with_code(positional, "./absent-1.0-py3-none-any.whl\n")

    code, output = run_to_its_end(positional)

    assert code == 4
    assert "absent" in output.splitlines()[-1]
    assert "requirements.txt" in output.splitlines()[-1]


def test_credentials_of_an_index_serve_and_stay_secret(positional: Tree) -> None:
    """pip gets them for the package as well, asks nobody, and the log never shows them."""
    wheel(positional.root / "wheels")
    offline = {"PIP_CONFIG_FILE": os.devnull}
    with private_index(positional.root / "wheels") as url:
        with_code(positional, f"--index-url {url}\ntiny==1\n")
        with running(positional, MODEL_SERVER_WORKERS="1", **offline) as server:
            assert server.post("1,2\n").status == 200
            log = server.log.read_text()
        wrong = url.replace(":pw", ":other")
        code = positional.paths.model / "code"
        (code / "requirements.txt").write_text(f"--index-url {wrong}\ntiny==1\n")
        ended, output = run_to_its_end(positional, **offline)

    assert "Successfully installed tiny-1.0" in log
    assert ended == 4
    assert "refuses the credentials" in output.splitlines()[-1]
    assert "user:" not in log + output


@pytest.mark.parametrize("where", ["model", "algorithm", "submitted"])
def test_counts_without_an_inference_py(positional: Tree, where: str) -> None:
    """In each folder of user code, and the log names the file."""
    folder = {
        "model": positional.paths.model / "code",
        "algorithm": positional.algorithm.folder,
        "submitted": positional.root / "submitted",
    }[where]
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text(f"{wheel(positional.root / 'wheels')}\n")
    (folder / "kind.py").write_text(KIND)
    artifact = positional.paths.model / "model.joblib"
    package = positional.root / "wheels" / "tiny-1.0-py3-none-any.whl"
    command = [sys.executable, "-P", "-c", SAVE_KIND, str(artifact), str(folder), str(package)]
    subprocess.run(command, check=True, timeout=60)

    with running(
        positional,
        MODEL_SERVER_WORKERS="1",
        SAGEMAKER_SUBMIT_DIRECTORY=str(positional.root / "submitted"),
    ) as server:
        answer = server.post("2,0\n")
        log = server.log.read_text()

    assert (answer.status, json.loads(answer.body)) == (200, [1])
    assert f"{folder / 'requirements.txt'} asks for more than is installed" in log


def test_of_many_models_the_log_says_what_is_not_installed(tmp_path: Path) -> None:
    """What the algorithm folder asks for is there; what a model itself asks for is named."""
    tree = make_tree(tmp_path)
    file = wheel(tmp_path / "wheels")
    (tree.algorithm.folder / "requirements.txt").write_text(f"{file}\n")
    save_positional(tmp_path / "a")
    (tmp_path / "a" / "code").mkdir()
    (tmp_path / "a" / "code" / "requirements.txt").write_text("absent-package\n")
    source = "import tiny\ndef predict_fn(data, model): return [tiny.NAME]"
    (tmp_path / "a" / "code" / "inference.py").write_text(source)

    with running(tree, multi_model=True) as server:
        assert load(server, "a", tmp_path / "a") == 200
        answer = invoke(server, "a")
        named = "a/code/requirements.txt is not installed"
        eventually(lambda: named in server.log.read_text())  # the frontend passes it on
        log = server.log.read_text()

    assert answer == (200, b"tiny\n")
    assert "absent-package" in log


def tagged(code: Path) -> str:
    return f"tiny @ git+file://{repository(code.parent / 'repository')}@v1"


def base_and_constraint(code: Path) -> str:
    wheel(code / "wheels"), wheel(code / "wheels", "2.0")
    (code / "base.txt").write_text("--find-links wheels\ntiny\n")
    (code / "constraints.txt").write_text("tiny<2\n")
    return "-r base.txt\n-c constraints.txt"


def relative_wheel(code: Path) -> str:
    wheel(code / "wheels")
    return "./wheels/tiny-1.0-py3-none-any.whl"


def hashed(code: Path) -> str:
    import hashlib

    digest = hashlib.sha256(wheel(code / "wheels").read_bytes()).hexdigest()
    import numpy

    return (
        f"--find-links wheels\nnumpy=={numpy.__version__} --hash=sha256:{'0' * 64}\n"
        f"tiny==1.0 \\\n    --hash=sha256:{digest}"
    )


def with_markers(code: Path) -> str:
    wheel(code / "wheels")
    return (
        "--find-links=./wheels\nabsent; python_version < '3'\n"
        "tiny; python_version > '3'  # needed\n"
    )


def source_folder(code: Path) -> str:
    project(code / "lib")
    return "./lib"


def written_by_powershell(code: Path) -> str:
    wheel(code / "wheels")
    return "\ufeff./wheels/tiny-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "prepare",
    [
        tagged,
        base_and_constraint,
        relative_wheel,
        hashed,
        with_markers,
        source_folder,
        written_by_powershell,
    ],
)
def test_lines_mean_what_pip_says(tmp_path: Path, prepare) -> None:
    """Each form that pip reads installs version 1.0, and nothing that is there already."""
    if prepare is tagged and shutil.which("git") is None:
        pytest.skip("git is not installed")
    code = tmp_path / "code"
    code.mkdir()
    encoding = "utf-16-le" if prepare is written_by_powershell else "utf-8"
    (code / "requirements.txt").write_text(prepare(code), encoding=encoding)

    overlay = install([code], make_scratch(tmp_path), 60, {**os.environ, **OFFLINE})

    assert installed(overlay) == ["tiny-1.0"]


def make_scratch(root: Path) -> Path:
    scratch = root / "scratch"
    scratch.mkdir()
    return scratch


def test_an_editable_package_is_found_where_it_lies(positional: Tree) -> None:
    """As pip has it: its source, not a copy of it; multi-model-server's own workers find it too."""
    with_code(positional, "-e ./lib\n")
    project(positional.paths.model / "code" / "lib")

    with running(positional, MODEL_SERVER_WORKERS="1", BYO_BACKEND="stock", **OFFLINE) as server:
        assert json.loads(server.post("1,2\n").body)[0] == "tiny"


def test_settings_of_the_environments_own_pip_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an index that an image has set by ``pip config --site``."""
    wheel(tmp_path / "wheels")
    (tmp_path / "pip.conf").write_text(f"[install]\nfind-links = {tmp_path / 'wheels'}\n")
    (tmp_path / "requirements.txt").write_text("tiny\n")
    monkeypatch.setattr("contract.requirements.overlay.sys.prefix", str(tmp_path))
    environ = {**os.environ, **OFFLINE}
    for name in ("PIP_CONFIG_FILE", "PIP_FIND_LINKS"):  # which would count before it
        environ.pop(name, None)

    overlay = install([tmp_path], make_scratch(tmp_path), 60, environ)

    assert installed(overlay) == ["tiny-1.0"]


def test_of_two_folders_the_first_decides(tmp_path: Path) -> None:
    """A model's own code knows better than the algorithm that it was made with."""
    folders = [tmp_path / "code", tmp_path / "algorithm"]
    for folder, version in zip(folders, ("1.0", "2.0"), strict=True):
        folder.mkdir()
        (folder / "requirements.txt").write_text(str(wheel(tmp_path / "wheels", version)))

    overlay = install(folders, make_scratch(tmp_path), 60, {**os.environ, **OFFLINE})

    assert installed(overlay) == ["tiny-1.0"]


@pytest.mark.parametrize(
    ("line", "settings", "reason"),
    [
        (
            "absent-package",
            {"PIP_INDEX_URL": "http://127.0.0.1:9/"},
            r"can't reach the package index http://127.0.0.1:9/ \(.*\): let it reach one, name",
        ),
        (
            "absent-package",
            {"PIP_INDEX_URL": "http://index.invalid/"},
            "does not ask index.invalid, .* PIP_TRUSTED_HOST",
        ),
        ("absent-package", OFFLINE, "No matching distribution found for absent-package"),
        ("tiny @ git+file:///absent@v1", OFFLINE, "git"),
        ("numpy ==", OFFLINE, "Invalid requirement: 'numpy =='"),
        ("-r absent.txt", OFFLINE, "absent.txt"),
    ],
)
def test_says_why_pip_failed(
    tmp_path: Path, line: str, settings: dict[str, str], reason: str
) -> None:
    """In pip's words, and an index that does not answer is no missing package."""
    (tmp_path / "requirements.txt").write_text(line)
    settings = {**settings, "PIP_RETRIES": "1", "PIP_TIMEOUT": "2"}

    with pytest.raises(UserCodeError, match="(?i)pip could not install .*" + reason):
        install([tmp_path], make_scratch(tmp_path), 60, {**os.environ, **settings})


def test_pip_is_given_no_more_time_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A build that never ends is ended, with what it has started; the log says what goes on."""
    monkeypatch.setattr("handler.serve.slow_step.EVERY_SECONDS", 1.0)
    caplog.set_level("INFO", "handler")
    project(tmp_path / "lib")
    (tmp_path / "lib" / "setup.py").write_text("import time\ntime.sleep(600)\n")
    (tmp_path / "requirements.txt").write_text("./lib")

    with pytest.raises(UserCodeError, match=r"did not install .* within 3 s"):
        install([tmp_path], make_scratch(tmp_path), 3, {**os.environ, **OFFLINE})
    assert "pip is still installing, for 1 s of at most 3 s" in caplog.text
