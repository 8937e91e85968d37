"""What users' code may do in an endpoint that was started as root, and what it finds there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from contract.errors import SettingsError
from contract.model_pins import FILE_NAME as PINS
from contract.model_pins import write_pins
from contract.settings import ServingSettings
from handler.serve import least_privilege
from handler.serve.hidden_credentials import grants
from tests.serving.conftest import Tree, run_to_its_end, running

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
