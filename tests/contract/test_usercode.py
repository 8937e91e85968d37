"""User modules: where they are found, and whose fault a failed import is."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import UserCodeError
from contract.user_module import check_names, find_program, import_program


@pytest.fixture(autouse=True)
def _clean_modules() -> Iterator[None]:
    """Each test imports its own `inference`."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name in ("inference", "helper", "script"):
        sys.modules.pop(name, None)


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_first_folder_that_has_it_wins(tmp_path: Path) -> None:
    """The order of the folders decides; folders that are not there are passed over."""
    second = write(tmp_path / "second", "inference.py", "")
    write(tmp_path / "third", "inference.py", "")

    found = find_program([tmp_path / "none", tmp_path / "second", tmp_path / "third"], None)

    assert found == second


@pytest.mark.parametrize("program", ["script", "script.py"])
def test_program_by_name(tmp_path: Path, program: str) -> None:
    """SAGEMAKER_PROGRAM names a file with or without its ending."""
    file = write(tmp_path, "script.py", "")

    assert find_program([tmp_path], program) == file


def test_a_named_program_must_exist(tmp_path: Path) -> None:
    """A program asked for by name and not there is an error; the default one is optional."""
    with pytest.raises(UserCodeError, match=r"SAGEMAKER_PROGRAM names script\.py"):
        find_program([tmp_path], "script.py")

    assert find_program([tmp_path], None) is None


def test_a_program_may_be_named_as_a_module_of_a_package(tmp_path: Path) -> None:
    """As one writes it behind ``python -m``; a file of that very name comes first."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "serve.py").touch()

    assert find_program([tmp_path], "pkg.serve") == tmp_path / "pkg" / "serve.py"
    (tmp_path / "pkg.serve.py").touch()
    assert find_program([tmp_path], "pkg.serve") == tmp_path / "pkg.serve.py"


def test_helpers_beside_the_module_import(tmp_path: Path) -> None:
    """The module's own folder is on the path, first."""
    write(tmp_path, "helper.py", "VALUE = 42")
    file = write(tmp_path, "inference.py", "from helper import VALUE")

    assert import_program(file).VALUE == 42


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import absent_package", "absent_package"),
        ("\n\nraise ValueError('too\\nbad')", r"ValueError: too bad \(inference\.py:3\)"),
        ("def f(:", "SyntaxError"),
    ],
)
def test_says_what_the_users_code_did(tmp_path: Path, text: str, message: str) -> None:
    """The one error type names the file, the cause and the user's own line, in one line."""
    file = write(tmp_path, "inference.py", text)

    with pytest.raises(UserCodeError, match=message) as raised:
        import_program(file)

    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["handler.py", "contract.py", "byo.py", "training_entry.py"])
def test_refuses_to_be_shadowed(tmp_path: Path, name: str) -> None:
    """A user's file of our packages' names is refused before it can be imported for them."""
    write(tmp_path, name, "")

    with pytest.raises(UserCodeError, match=name):
        check_names([tmp_path])


def test_a_file_that_is_younger_than_its_folder_shows_is_found(tmp_path: Path) -> None:
    """Of the folders of user code nothing is remembered, of all others what is there."""
    folder, other = tmp_path / "code", tmp_path / "other"
    write(folder, "script.py", "")
    write(other, "helper.py", "")
    import_program(folder / "script.py")
    sys.path.append(str(other))
    importlib.import_module("helper")
    read = sys.path_importer_cache[str(other)]
    at = folder.stat().st_mtime_ns

    write(folder, "inference.py", "")
    os.utime(folder, ns=(at, at))

    assert import_program(folder / "inference.py").__file__ == str(folder / "inference.py")
    assert sys.path_importer_cache[str(other)] is read
