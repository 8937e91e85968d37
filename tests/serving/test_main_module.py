"""The ``__main__`` that pickles find, asked for one name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.settings import ServingSettings
from contract.user_module import make_importable
from handler.invocation import main_module
from handler.invocation.script_text import read_scripts

GUARD = 'if __name__ == "__main__":'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of user code on the path, and the interpreter as it was afterwards."""
    main, path, modules = sys.modules["__main__"], list(sys.path), set(sys.modules)
    make_importable([tmp_path])
    main_module.install([tmp_path], None)
    yield tmp_path
    sys.modules["__main__"], sys.path[:] = main, path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "was defined in the training script itself, which is not here"),
        ({"train.py": "class Kind: ...\nfit_everything()"}, "would train again .line 2."),
        ({"train.py": f"{GUARD}\n    class Kind: ..."}, "where no import finds it"),
        ({"train.py": "import absent\nclass Kind: ..."}, "No module named 'absent' .train.py:1."),
        ({"train.py": f"class Kind: ...\nexit('no data')\n{GUARD}\n    pass"}, "SystemExit"),
        ({"json.py": f"class Kind: ...\n{GUARD}\n    pass"}, "another module has its name"),
        ({"a.py": "class Kind: ...", "b.py": "class Kind: ..."}, "several files here define it"),
        ({"._train.py": "class Kind: ..."}, "which is not here"),
        ({"train.py": "class Kind("}, "which is not here"),
    ],
)
def test_says_why_a_name_is_not_found(folder: Path, files: dict[str, str], reason: str) -> None:
    """In a sentence that names the file and what to do."""
    for name, text in files.items():
        (folder / name).write_text(text)

    with pytest.raises(AttributeError, match=reason) as caught:
        sys.modules["__main__"].Kind  # noqa: B018

    assert str(caught.value) in main_module.advice_on(AttributeError("in __main__"))


@pytest.mark.parametrize(
    "files",
    [
        {"train.py": f"class Kind: ...\n{GUARD}\n    fit_everything()"},
        {"train.py": "class Kind: ...\nif '__main__' == __name__:\n    fit_everything()"},
        {"features.py": "class Kind: ..."},
        {"train.py": f"class Kind: ...\n{GUARD}\n    pass", "old.py": "class Kind: ..."},
        {"train.py": "try:\n    import absent\nexcept ImportError:\n    absent = None\nKind = int"},
        {"train.py": "import logging\nlog = logging.getLogger(__name__)\nKind: type = int"},
        {"job.py": "from features import Kind", "features.py": "class Kind: ..."},
        {"run.py": "from features import Kind", "features/__init__.py": "class Kind: ..."},
    ],
)
def test_finds_a_name(folder: Path, files: dict[str, str]) -> None:
    """In a script with a guard, or in one that does nothing but define."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    assert isinstance(sys.modules["__main__"].Kind, type)


def test_a_folder_that_is_named_twice_is_one(folder: Path) -> None:
    """The SDK names a model's own code as the submitted code, too."""
    (folder / "code").mkdir()
    (folder / "code" / "features.py").write_text("class Kind: ...")
    settings = ServingSettings(submit_dir=folder / "code", algorithm_dir=folder / "." / "code")
    directories = settings.code_directories(folder)

    main_module.install(directories, None)
    make_importable(directories)

    assert directories == [folder / "code", folder]
    assert settings.code_directories(folder / "other") == [
        folder / "other" / "code",
        folder / "code",
        folder / "other",
    ]
    assert isinstance(sys.modules["__main__"].Kind, type)


def test_what_users_set_by_themselves_counts_first(folder: Path) -> None:
    """As in the usual help: ``__main__.Kind = Kind``."""
    (folder / "train.py").write_text("class Kind: ...")
    main = sys.modules["__main__"]

    main.Kind = str  # type: ignore[attr-defined]

    assert main.Kind is str  # type: ignore[attr-defined]
    assert not hasattr(main, "__file__")  # a started process would execute it


@pytest.mark.parametrize(
    "work",
    [
        "model.fit(X, y)",
        "model = Ridge().fit(X, y)",
        "for epoch in range(3):\n    pass",
        "with open('data') as stream:\n    pass",
        "if True:\n    main()",
        "try:\n    main()\nexcept OSError:\n    pass",
    ],
)
def test_a_script_that_works_may_not_be_imported(tmp_path: Path, work: str) -> None:
    """Whatever form its work has."""
    (tmp_path / "train.py").write_text(f"class Kind: ...\n{work}\n")

    [script] = read_scripts([tmp_path])

    assert not script.may_be_imported
