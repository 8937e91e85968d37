"""What users' code may do in an endpoint that was started as root, and what it finds there."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from byo.child_processes import child
from byo.endpoint import Client, serving_environ
from byo.endpoint.local_endpoint import SERVE_COMMAND
from contract.errors import ModelLoadError, SettingsError
from contract.model_pins import FILE_NAME as PINS
from contract.model_pins import write_pins
from contract.settings import DROPPED_ROOT_VARIABLE, ServingSettings
from handler.invocation import model_folder
from handler.serve import least_privilege
from handler.serve.hidden_credentials import grants
from handler.serve.pick_free_port import free_port
from tests.serving.backend.processes import Processes, eventually, kill
from tests.serving.conftest import Tree, make_tree, run_to_its_end, running, save_positional

ROOT = Path(__file__).parents[3]

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "hidden-id",
    "AWS_SECRET_ACCESS_KEY": "hidden-secret",
    "AWS_SESSION_TOKEN": "hidden-token",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/hidden-uri",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/hidden-file",
    "AWS_OF_NEXT_YEAR": "hidden-as-well",
}
LOOKS_AROUND = """
import os
from pathlib import Path

def predict_fn(data, model):
    mark, seen = os.environ["TEST_MARK"].encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found = (process / "environ").read_bytes()
        except OSError:
            continue
        if mark in found:
            seen.append(found)
    return [[str(len(seen)), str(b"hidden-" in b"".join(seen)), os.environ.get("AWS_REGION", ""),
             os.environ.get("AWS_EC2_METADATA_DISABLED", "")]]
"""


@pytest.mark.parametrize("name", CREDENTIALS)
def test_what_may_be_a_credential(name: str) -> None:
    """Every variable of AWS's but those that are known to grant nothing."""
    assert grants(name)
    assert not any(map(grants, ("AWS_REGION", "AWS_ENDPOINT_URL_S3", "PATH", "BYO_PRELOAD")))


@pytest.mark.slow
def test_credentials_are_nowhere_to_be_found(positional: Tree) -> None:
    """Neither in the environment of users' code, nor in what any process was started with."""
    (positional.algorithm.folder / "inference.py").write_text(LOOKS_AROUND)
    given = CREDENTIALS | {"TEST_MARK": str(positional.root), "AWS_REGION": "eu-west-1"}
    with running(positional, BYO_HIDE_CREDENTIALS="true", **given) as server:
        [found] = json.loads(server.post("1,0\n", Accept="application/json").body)

    assert int(found[0]) > 3  # serve itself, the fork server, the frontend, the host
    assert found[1:] == ["False", "eu-west-1", "true"]


@pytest.mark.slow
def test_what_a_changed_folder_asks_for_is_not_installed(positional: Tree) -> None:
    """A build script runs code as well: `serve` ends before pip is started."""
    (positional.paths.model / "code").mkdir()
    write_pins(positional.paths.model)
    (positional.paths.model / "code" / "requirements.txt").write_text("./evil\n")

    code, output = run_to_its_end(positional, BYO_MODEL_PINS="require")

    assert code == 4
    last = output.splitlines()[-1]
    assert f"is not as {PINS} has it (added: code/requirements.txt)" in last
    assert "asks for more than is installed" not in output


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may go into; those of pytest are its user's own."""
    with tempfile.TemporaryDirectory(prefix="byo-open-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does takes root")


@as_root
def test_why_root_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What `nobody` can't read is named; who insists is refused, and who wants root has it."""
    closed = tmp_path / "ml" / "model"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    environ = {"SAGEMAKER_BASE_DIR": str(tmp_path / "ml"), "BYO_ALGORITHM_DIR": str(tmp_path)}

    def drop(run_as_root: str) -> object:
        settings = ServingSettings.from_environ({**environ, "BYO_RUN_AS_ROOT": run_as_root})
        return least_privilege.drop_root(settings, tmp_path, environ)

    assert drop("auto") is environ
    assert "everything runs as root" in caplog.text
    assert "it can't read " in caplog.text
    caplog.clear()
    assert drop("true") is environ
    assert caplog.text == ""
    with pytest.raises(SettingsError, match="BYO_RUN_AS_ROOT=false, and nobody can't serve"):
        drop("false")
    assert os.geteuid() == 0


@as_root
@pytest.mark.parametrize("closed", ["models", "models/1a2b", "models/1a2b/model/model.joblib"])
def test_many_models_that_only_root_can_read(open_folder: Path, closed: str) -> None:
    """What lies in the models' folder when `serve` starts is tried like a single model."""
    save_positional(open_folder / "models" / "1a2b" / "model")
    environ = {"SAGEMAKER_BASE_DIR": str(open_folder), "BYO_ALGORITHM_DIR": str(open_folder),
               "SAGEMAKER_MULTI_MODEL": "true", "SAGEMAKER_BIND_TO_PORT": "8080"}  # fmt: skip
    settings = ServingSettings.from_environ(environ)
    user = least_privilege._user()
    before = least_privilege._hindrance(user, settings, environ)

    (open_folder / closed).chmod(0o700 if (open_folder / closed).is_dir() else 0o600)
    after = least_privilege._hindrance(user, settings, environ)

    assert str(open_folder / "models") not in before
    if not before:  # this checkout, its Python and its Java are open to everybody
        assert after == f"it can't read {open_folder / closed}"


@as_root
@pytest.mark.parametrize("closed", ["model.joblib", "code", "."])
def test_a_model_that_only_root_can_read(open_folder: Path, closed: str) -> None:
    """Of many it shows when one is loaded: the error says what to do. A link to nowhere is none."""
    model_dir = open_folder / "model"
    save_positional(model_dir)
    (model_dir / "code").mkdir()
    (model_dir / "nowhere").symlink_to("absent")

    assert said_as_nobody(model_dir) == ""
    (model_dir / closed).chmod(0o600)
    assert f"{model_dir / closed} can't be read by nobody" in said_as_nobody(model_dir)
    assert "chmod -R a+rX), or set BYO_RUN_AS_ROOT=true" in said_as_nobody(model_dir)


def said_as_nobody(model_dir: Path) -> str:
    """Why a folder is refused to a process that was root before."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            least_privilege._user().become()
            os.environ[DROPPED_ROOT_VARIABLE] = "nobody"
            model_folder.check(model_dir, ServingSettings())
        except ModelLoadError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as told:
        return told.read().decode()


# Tells who it is, and what it may do.
TELLS = """
import os
import tempfile
from pathlib import Path

def can(act):
    try:
        return act() is not None
    except OSError:
        return False

def predict_fn(data, model):
    status = Path("/proc/self/status").read_text()
    lines = status.splitlines()
    held = [line.split()[1] for line in lines if line.startswith(("CapEff", "NoNewPrivs"))]
    model_dir = Path(os.environ["SM_MODEL_DIR"])
    return [[
        str(os.getuid()), str(os.getgroups()), *held,
        str(can(lambda: (model_dir / "more").write_text("x"))),
        str(can(lambda: Path("/etc/more").write_text("x"))),
        str(can(lambda: Path(os.environ["TEST_SERVE"], "environ").read_bytes())),
        str(can(tempfile.mkstemp)),
        str(can(lambda: Path("~/more").expanduser().write_text("x"))),
        str(can(lambda: os.setuid(0) or 1)),
    ]]
"""
# In a file system of its own, where the interpreter can be read by everybody, as in the image.
OPENED = """set -e
mount --bind "$1" "$2"
mount -t tmpfs -o mode=755 none "$3"
mkdir -p "$1"
mount --bind "$2" "$1"
shift 3
exec "$@"
"""


def may_enter(place: Path) -> bool:
    """Whether everybody may go into a folder."""
    return bool(place.stat().st_mode & 0o001)


def in_the_open(command: list[str], kept: Path) -> list[str]:
    """A command that `nobody` can take over; the test is skipped where there is no way to that."""
    closed = [place for place in Path(sys.base_prefix).parents if not may_enter(place)]
    if not closed:
        return command
    inside = ("unshare", "--mount", "--propagation", "private")
    if ROOT.is_relative_to(closed[-1]):
        pytest.skip(f"nobody can read the checkout in {closed[-1]}")
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"nobody can read the interpreter in {closed[-1]}")
    shell = ("sh", "-c", OPENED, "sh", sys.base_prefix, str(kept), str(closed[-1]))
    return [*inside, *shell, *command]


def answered(client: Client) -> Any:
    """An answer; None where there is none for now."""
    response = client.invoke(b"1,0\n", "text/csv", accept="application/json")
    return json.loads(response.body) if response.ok else None


@as_root
@pytest.mark.slow
def test_root_is_dropped(open_folder: Path) -> None:
    """Users' code may do nothing but write to its scratch folder; and all goes on as it does."""
    (open_folder / "kept").mkdir()
    tree = make_tree(open_folder / "tree")
    save_positional(tree.paths.model)
    write_pins(tree.paths.model)
    (tree.algorithm.folder / "inference.py").write_text(TELLS)
    port = free_port()
    environ = serving_environ(tree.environ(), tree.paths, tree.algorithm, port)
    # The shell, or what takes its place, is the process of serve in the end.
    command = ["sh", "-c", 'TEST_SERVE=/proc/$$ exec "$0" "$@"', *SERVE_COMMAND]
    log = open_folder / "log"
    with (
        log.open("wb") as output,
        child(
            in_the_open(command, open_folder / "kept"),
            environ | {"BYO_RUN_AS_ROOT": "false", "MODEL_SERVER_WORKERS": "1"},
            stdout=output,
        ) as process,
        Client(f"http://127.0.0.1:{port}") as client,
    ):
        eventually(lambda: process.poll() is not None or b"serve: ready" in log.read_bytes())
        assert process.poll() is None, log.read_text()
        told = answered(client)
        process.send_signal(signal.SIGHUP)
        eventually(lambda: b"as it has been loaded anew" in log.read_bytes())
        kill(Processes(tree).fork_server())
        again = eventually(lambda: answered(client))
        process.terminate()
        assert process.wait(30) == 0, log.read_text()

    nobody = str(pwd.getpwnam("nobody").pw_uid)
    dropped = [nobody, "[]", "0000000000000000", "1", *["False"] * 3, "True", "True", "False"]
    assert told == [dropped], log.read_text()
    assert again == told
    assert "started as root, goes on as nobody" in log.read_text()
