"""What type checkers tell users of `byo`: mypy and pyright read scripts beside the built wheel."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import byo
import training_entry

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
MISTAKES = "mistakes.py"
DEADLINE = 150
ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: (?P<text>.*)$", re.MULTILINE)


def run(*command: str | Path, folder: Path, **environ: str) -> str:
    """What a program prints; its exit code tells of findings, which the output has as well."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")} | environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with all that ours has but the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    run(*build, folder=ROOT)
    venv.create(folder / "venv", with_pip=False)
    (packages,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    with zipfile.ZipFile(next(folder.glob("byo-*.whl"))) as wheel:
        wheel.extractall(packages)
    # What a .pth file names is searched, but not for further .pth files: not for our checkout.
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv" / "bin" / "python"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts, where no checkout is around them."""
    return Path(shutil.copytree(SCRIPTS, tmp_path_factory.mktemp("scripts") / "code"))


@pytest.fixture(scope="module")
def mypy(python: Path, scripts: Path) -> set[tuple[str, int, str]]:
    """What mypy finds: the script, the line and the complaint."""
    options = ("--strict", "--no-error-summary", "--config-file=", "--cache-dir", os.devnull)
    command = (sys.executable, "-m", "mypy", *options, "--python-executable", python, ".")
    return {
        (match["file"], int(match["line"]), match["text"])
        for match in ERROR.finditer(run(*command, folder=scripts))
    }


@pytest.fixture(scope="module")
def pyright(python: Path, scripts: Path) -> set[tuple[str, int, str]]:
    """The same of pyright."""
    command = (sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", python, ".")
    findings = json.loads(run(*command, folder=scripts))["generalDiagnostics"]
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"])
        for each in findings
        if each["severity"] == "error"
    }


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_sound_scripts_are_found_sound(checker: str, request: pytest.FixtureRequest) -> None:
    """Each name has the type that its documentation says, and none is unknown."""
    found = request.getfixturevalue(checker)

    assert {finding for finding in found if finding[0] != MISTAKES} == set()


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_each_mistake_is_found(checker: str, request: pytest.FixtureRequest) -> None:
    """A name that isn't there, an argument that isn't taken, a value of another type."""
    found = request.getfixturevalue(checker)
    lines = enumerate((SCRIPTS / MISTAKES).read_text().splitlines(), start=1)
    wrong = {number for number, line in lines if line.endswith("# wrong")}

    assert {line for file, line, _ in found if file == MISTAKES} == wrong


@pytest.mark.parametrize("package", [byo, training_entry])
def test_what_checkers_read_is_what_is_imported(package: ModuleType) -> None:
    """The imports for type checkers, `__all__` and what is there at run time are the same."""
    tree = ast.parse(Path(package.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = [(each.module, alias.name) for each in block.body for alias in each.names]

    assert sorted(name for _, name in imported) == package.__all__
    for module, name in imported:
        assert getattr(package, name) is getattr(sys.modules[module], name)
