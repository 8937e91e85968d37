"""What of an algorithm folder goes into the image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT

SCRIPT = ROOT / "docker" / "script_library" / "stage_algorithm.py"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder as people have it: code, and what lies about beside it."""
    folder = tmp_path / "mine"
    for name in (
        "train.py",
        "lib/features.py",
        "sample/input/data/training/rows.csv",
        ".env",
        ".env.local",
        ".git/config",
        ".venv/bin/python",
        "env/pyvenv.cfg",
        "env/lib/site.py",
        ".byo/model/model.joblib",
        "lib/__pycache__/features.pyc",
        ".ipynb_checkpoints/train.py",
    ):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return folder


def stage(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    target.mkdir()
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, folder, target],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_what_is_not_for_an_image_stays_out(mine: Path, tmp_path: Path) -> None:
    """Version control, environments, caches, secrets in .env, and what training has left."""
    done = stage(mine, tmp_path / "staged")

    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "staged") == {
        "train.py",
        "lib/features.py",
        "sample/input/data/training/rows.csv",
    }
    assert f"{mine} goes into the image as /opt/program: 3 files, " in done.stderr
    assert ".env" in done.stderr.partition("left out: ")[2]


@pytest.mark.parametrize(
    ("lines", "kept", "gone"),
    [
        ("sample\n", {"train.py", "lib/features.py"}, {"sample/input/data/training/rows.csv"}),
        ("/sample/\n# lib\n", {"lib/features.py"}, {"sample/input/data/training/rows.csv"}),
        ("**/*.csv\n", {"lib/features.py"}, {"sample/input/data/training/rows.csv"}),
        ("*.csv\n", {"sample/input/data/training/rows.csv"}, set()),
        ("*\n!train.py\n", {"train.py"}, {"lib/features.py"}),
        ("lib\n!lib/features.py\n", {"lib/features.py"}, {"lib/other.py"}),
        ("lib/?????.py\n", {"lib/features.py"}, {"lib/other.py"}),
        ("lib/[n-p]*.py\n", {"lib/features.py"}, {"lib/other.py"}),
        ("lib/**\n", {"train.py"}, {"lib/features.py", "lib/other.py"}),
        ("!.env\n", {".env", "train.py"}, {".env.local"}),
        ("!**/model.joblib\n", {".byo/model/model.joblib"}, {".git/config"}),
    ],
)
def test_a_dockerignore_counts_as_dockers_own(
    mine: Path, tmp_path: Path, lines: str, kept: set[str], gone: set[str]
) -> None:
    """Patterns by docker's rules: from the folder, the last one that matches decides."""
    (mine / "lib" / "other.py").touch()
    (mine / ".dockerignore").write_text(lines)

    done = stage(mine, tmp_path / "staged")

    assert done.returncode == 0, done.stderr
    found = files(tmp_path / "staged")
    assert kept <= found
    assert not gone & found


SECRETS = {
    "id_rsa": "key",
    "conf/credentials.json": "{}",
    "secrets.yaml": "password: x",
    ".netrc": "machine",
    "lib/tls.pem": "-----BEGIN RSA PRIVATE KEY-----\nMII",
    "lib/settings.py": "KEY = '''-----BEGIN PRIVATE KEY-----\nMII'''",
}


@pytest.mark.parametrize("name", SECRETS)
def test_what_looks_secret_is_refused_by_name(mine: Path, tmp_path: Path, name: str) -> None:
    """A key or a file of credentials is in no image by accident; a line settles it either way."""
    secret = mine / name
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(SECRETS[name])

    refused = stage(mine, tmp_path / "refused")
    (mine / ".dockerignore").write_text(f"!{name}\n")
    taken = stage(mine, tmp_path / "taken")
    (mine / ".dockerignore").write_text(f"{name}\n")
    left_out = stage(mine, tmp_path / "left")

    assert refused.returncode == 2
    assert name in refused.stderr
    assert taken.returncode == left_out.returncode == 0
    assert name in files(tmp_path / "taken")
    assert name not in files(tmp_path / "left")


def test_certificates_and_data_are_no_secrets(mine: Path, tmp_path: Path) -> None:
    """A certificate is for everybody to see, and large files are not keys."""
    (mine / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nMII")
    (mine / "tokenizer.json").write_text("{}")

    assert stage(mine, tmp_path / "staged").returncode == 0
    assert {"ca.pem", "tokenizer.json"} <= files(tmp_path / "staged")


def test_links_are_followed(mine: Path, tmp_path: Path) -> None:
    """What a link leads to goes in, since nothing outside is there in the image."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "common.py").write_text("common")
    (mine / "shared").symlink_to(tmp_path / "shared")
    (mine / "single.py").symlink_to(tmp_path / "shared" / "common.py")

    done = stage(mine, tmp_path / "staged")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "staged/shared/common.py").read_text() == "common"
    assert not (tmp_path / "staged/single.py").is_symlink()


@pytest.mark.parametrize("target", ["nowhere", "."])
def test_a_link_that_leads_astray_is_refused(mine: Path, tmp_path: Path, target: str) -> None:
    """One that leads nowhere, or round in a circle, is named."""
    (mine / "lib" / "astray").symlink_to(target)

    done = stage(mine, tmp_path / "staged")

    assert done.returncode == 2
    assert "astray" in done.stderr
