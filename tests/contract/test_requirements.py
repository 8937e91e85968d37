"""A requirements.txt that names files of its folder: what it needs, and whether it is met."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from contract.requirements.image_build import gather
from contract.requirements.import_check import read_answer
from contract.requirements.local_files import needed
from contract.requirements.overlay import Overlay
from contract.requirements.pip_run import conflicts_told, why_pip_failed
from contract.requirements.system_libraries import package_of
from contract.requirements.what_is_lacking import unmet
from tests.packages import OFFLINE, project, wheel

# Every form that names a place in the folder, and what has to lie there.
FORMS = [
    ("numpy\n", []),
    ("-r base.txt", ["base.txt"]),
    ("--requirement=more/base.txt", ["more/base.txt", "more/inner.txt"]),
    ("-cbase.txt\n--constraint more/inner.txt", ["base.txt", "more/inner.txt"]),
    ("./wheels/tiny-1.0-py3-none-any.whl", ["wheels/tiny-1.0-py3-none-any.whl"]),
    ("tiny-1.0-py3-none-any.whl ; python_version > '3'", ["tiny-1.0-py3-none-any.whl"]),
    ("--no-index --find-links wheels\ntiny", ["wheels"]),
    ("--find-links=./wheels\n# -r base.txt\ntiny", ["wheels"]),
    ("-e .", ["."]),
    ("--editable ./lib[extra]", ["lib"]),
    ("lib/", ["lib"]),
    ("./lib \\\n  --config-settings=x=y", ["lib"]),
    ("-r base.txt # again\n-r ./base.txt", ["base.txt"]),
    ("https://127.0.0.1/a/tiny.whl\ngit+ssh://127.0.0.1/a/b@c\ntiny @ https://127.0.0.1/x", []),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An algorithm folder with a file of each kind."""
    folder = tmp_path / "mine"
    (folder / "more").mkdir(parents=True)
    (folder / "train.py").write_text("")
    (folder / "base.txt").write_text("numpy\n")
    (folder / "more" / "base.txt").write_text("-r inner.txt\n-r base.txt\n")
    (folder / "more" / "inner.txt").write_text("numpy\n")
    wheel(folder)
    wheel(folder / "wheels")
    project(folder / "lib")
    return folder


@pytest.mark.parametrize(("text", "expected"), FORMS)
def test_what_it_needs_of_its_folder(folder: Path, text: str, expected: list[str]) -> None:
    """Paths are read as pip reads them: of files from the file, of packages from the folder."""
    file = folder / "requirements.txt"
    file.write_text(text)

    assert [str(path) for path in needed(file)] == ["requirements.txt", *expected]


def test_a_build_takes_along_what_is_needed_and_no_more(folder: Path, tmp_path: Path) -> None:
    """So an edit of anything else leaves the layer of the requirements as it is."""
    (folder / "requirements.txt").write_text("-r base.txt\n./lib\n")
    (folder / "lib" / "build").mkdir()
    (folder / "lib" / "build" / "old.py").touch()

    assert gather(folder, tmp_path / "target") == 0

    copied = [path for path in (tmp_path / "target").rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path / "target")) for path in copied) == [
        "base.txt",
        "lib/pyproject.toml",
        "lib/tiny.py",
        "requirements.txt",
    ]


def test_a_build_says_what_the_folder_lacks(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before pip runs, with the line."""
    (folder / "requirements.txt").write_text("numpy\n-r absent.txt\n-r ../outside.txt\n")

    assert gather(folder, tmp_path / "target") == 2

    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("requirements.txt:2: there is no absent.txt in ")
    assert said[1].startswith("requirements.txt:3: ../outside.txt lies outside mine/")


def test_a_wheel_is_met_by_its_version(folder: Path) -> None:
    """As pip has it; numpy stands for what is installed."""
    import numpy as np

    (folder / "requirements.txt").write_text("./numpy-0.1-py3-none-any.whl\n")
    assert unmet(folder / "requirements.txt") == ["./numpy-0.1-py3-none-any.whl"]
    (folder / "requirements.txt").write_text(f"./numpy-{np.__version__}-py3-none-any.whl\n")
    assert unmet(folder / "requirements.txt") == []


def test_constraints_count_where_something_is_installed(folder: Path) -> None:
    """They ask for nothing by themselves."""
    file = folder / "requirements.txt"
    file.write_text("numpy\n-c limits.txt\n")
    (folder / "limits.txt").write_text("absent-package==1\nnumpy<9\n")
    assert unmet(file) == []
    (folder / "limits.txt").write_text("numpy<1\n")
    assert unmet(file) == ["numpy<1"]


@pytest.mark.slow
def test_what_a_build_has_installed_is_not_built_at_each_start(
    folder: Path, tmp_path: Path
) -> None:
    """Until its files change; building leaves nothing in the folder."""
    file = folder / "requirements.txt"
    file.write_text("-r base.txt\n./lib\n")
    files = {*folder.rglob("*")}
    image = Overlay(tmp_path)
    environ = {**os.environ, **OFFLINE}

    def run(*arguments: str | Path) -> str:
        command = [image.python, "-P", *map(str, arguments)]
        return subprocess.run(
            command, env=environ, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    asking = "import sys, pathlib; from contract.requirements.what_is_lacking import unmet; " + (
        "print(unmet(pathlib.Path(sys.argv[1])))"
    )
    assert run("-c", asking, file) == "['./lib']\n"

    said = run("-m", "contract.requirements.image_build", "install", folder)

    assert "Successfully installed tiny-1.0" in said
    assert "No broken requirements found" in said
    assert {*folder.rglob("*")} == files
    assert run("-c", asking, file) == "[]\n"
    (folder / "lib" / "tiny.py").write_text("NAME = 'another'\n")
    assert run("-c", asking, file) == "['./lib']\n"


# A package of each way that an import goes.
IMPORTS = {
    "good": "",
    "screen": "raise ImportError('libGL.so.1: cannot open shared object file: No such file')",
    "strange": "raise ImportError('libstrange.so.7: cannot open shared object file: No such file')",
    "device": "raise ImportError('libcuda.so.1: cannot open shared object file: No such file')",
    "broken": "import absent_module",
}


def test_what_can_not_be_imported_is_named_with_what_adds_it(tmp_path: Path) -> None:
    """A library of the system by Debian's package; a driver's comes with its device."""
    overlay = Overlay(tmp_path)
    (tmp_path / "requirements.txt").write_text("\n".join([*IMPORTS, "absent-package", "numpy>1"]))
    for name, source in IMPORTS.items():
        with zipfile.ZipFile(wheel(tmp_path / "wheels", "1.0", name, source)) as archive:
            archive.extractall(overlay.site_packages)
        record = overlay.site_packages / f"{name}-1.0.dist-info" / "RECORD"
        record.write_text(f"{name}.py,,\n")
    program = [overlay.python, "-P", "-m", "contract.requirements.import_check", tmp_path]

    said = subprocess.run(program, check=True, capture_output=True, timeout=60).stdout
    found = {one.package: one for one in read_answer(json.loads(said))}

    assert list(found) == [*IMPORTS, "numpy"]
    assert str(found["good"]) == "good imports"
    assert found["numpy"].error is None
    assert str(found["screen"]).startswith(
        "screen can't be imported: the image lacks libGL.so.1: put the line libgl1 into apt.txt"
    )
    assert "the image lacks libstrange.so.7: put the line libstrange7" in str(found["strange"])
    assert "libcuda.so.1: cannot open" in str(found["device"])
    assert "No module named 'absent_module'" in str(found["broken"])
    assert [name for name, one in found.items() if one.libraries] == ["screen", "strange"]


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libgomp.so.1", "libgomp1"),
        ("libX11.so.6", "libx11-6"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
        ("libpango-1.0.so.0", "libpango-1.0-0"),
        ("libtcl8.6.so", "libtcl8.6"),
        ("libstdc++.so.6", "libstdc++6"),
    ],
)
def test_a_library_is_in_the_package_of_its_name(library: str, package: str) -> None:
    """By Debian's rule, with the exceptions that people meet."""
    assert package_of(library) == package


def test_why_a_build_failed_is_what_its_own_program_says() -> None:
    """Not pip's words around it, nor what it recommends."""
    told = (
        "  error: subprocess-exited-with-error\n"
        "      ValueError: not the reason\n"
        "      Error: pg_config executable not found.\n"
        "ERROR: Failed to build 'psycopg2' when getting requirements to build wheel\n"
        "[notice] To update, run: python -m pip install --upgrade pip\n"
    )

    assert why_pip_failed(told) == ["pg_config executable not found."]


def test_what_does_not_suit_installed_packages_is_found_in_what_pip_says() -> None:
    """Its own lines, which it marks in no way."""
    told = (
        "ERROR: pip's dependency resolver does not currently take into account all the packages.\n"
        "python-dateutil 2.9.0 requires six>=1.5, but you have six 0.1 which is incompatible.\n"
        "other 1.0 requires absent, which is not installed.\n"
        "Successfully installed six-0.1\n"
    )

    assert conflicts_told(told) == told.splitlines()[1:3]
