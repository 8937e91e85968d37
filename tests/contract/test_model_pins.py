"""``SHA256SUMS`` beside a model: written over every file, and held against the folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.errors import ModelLoadError
from contract.folder_digests import FolderDigests
from contract.model_pins import FILE_NAME, check_pins, write_pins

ODD = "odd \\ name\nof two lines.bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with files of several kinds, pinned."""
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "model.joblib").write_bytes(b"model" * 1000)
    (folder / "signature.json").write_text("{}")
    (folder / "code" / "inference.py").write_text("def predict_fn(d, m): return m")
    (folder / ".hidden").write_text("counts as well")
    (folder / ODD).write_text("odd")
    (folder / os.fsdecode(b"latin \xe9.txt")).write_text("no UTF-8")
    (folder / "again.joblib").symlink_to("model.joblib")
    assert write_pins(folder) == 7
    return folder


def test_what_is_written_is_what_sha256sum_reads(folder: Path) -> None:
    """In the folder, ``sha256sum -c`` finds every file as it is noted."""
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", FILE_NAME],
        cwd=folder,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout.count(b": OK\n")) == (0, 7), done
    check_pins(folder)


def test_what_sha256sum_writes_is_read(folder: Path) -> None:
    """Also with ``./`` before the names, and with the file itself among them."""
    # Else it would depend on the shell's haste whether find sees it.
    (folder / FILE_NAME).write_text("")
    shell = f"find . -type f -o -type l | sort | xargs -d '\\n' sha256sum -b > {FILE_NAME}"
    (folder / ODD).unlink()  # xargs would take it for two
    subprocess.run(["sh", "-c", shell], cwd=folder, check=True)

    assert f"./{FILE_NAME}" in (folder / FILE_NAME).read_text(errors="replace")
    check_pins(folder, "require")


def change_a_byte(folder: Path) -> None:
    file = folder / "model.joblib"
    told = file.stat()
    content = bytearray(file.read_bytes())
    content[2500] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))


def swap(folder: Path) -> None:
    (folder / "model.joblib").write_bytes((folder / "signature.json").read_bytes())


def exchange(folder: Path) -> None:
    (folder / "signature.json").rename(folder / "x")
    (folder / ".hidden").rename(folder / "signature.json")
    (folder / "x").rename(folder / ".hidden")


def link_out(folder: Path) -> None:
    outside = folder.parent / "outside.joblib"
    (folder / "model.joblib").rename(outside)
    (folder / "model.joblib").symlink_to(outside)


def link_folder_out(folder: Path) -> None:
    (folder / "code").rename(folder.parent / "code")
    (folder / "code").symlink_to(folder.parent / "code")


def second_digest(folder: Path) -> None:
    with (folder / FILE_NAME).open("a") as file:
        file.write(f"{'0' * 64}  signature.json\n")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (change_a_byte, "changed: again.joblib, model.joblib"),
    "another file's content": (swap, "changed: again.joblib, model.joblib"),
    "two files exchanged": (exchange, "changed: .hidden, signature.json"),
    "an added file": (lambda one: (one / "more.pkl").write_bytes(b"x"), "added: more.pkl"),
    "a hidden one": (lambda one: (one / ".more").write_bytes(b"x"), "added: .more"),
    "a module": (lambda one: (one / "code" / "os.py").write_text(""), "added: code/os.py"),
    "bytecode": (
        lambda one: (one / "code" / "inference.pyc").write_text(""),
        "added: code/inference.pyc",
    ),
    "a missing file": (lambda one: (one / "signature.json").unlink(), "missing: signature.json"),
    "code": (
        lambda one: (one / "code" / "inference.py").write_text("import os"),
        "changed: code/inference.py",
    ),
    "a link out": (link_out, "out of the folder"),
    "a folder's link out": (link_folder_out, "code in .* out of the folder"),
    "a link to nowhere": (lambda one: (one / "x").symlink_to("y"), "which is no file"),
    "a link to a folder": (lambda one: (one / "x").symlink_to("code"), "which is no file"),
    "a pipe": (lambda one: os.mkfifo(one / "x"), "neither a file nor a folder"),
    "empty pins": (lambda one: (one / FILE_NAME).write_text(""), "added: "),
    "no pins' form": (lambda one: (one / FILE_NAME).write_text("sha"), "line 1"),
    "pins of BSD's form": (
        lambda one: (one / FILE_NAME).write_text(f"SHA256 (x) = {'0' * 64}\n"),
        "line 1",
    ),
    "two digests": (second_digest, "two digests of signature.json"),
    "pins by a link": (
        lambda one: (
            (one / FILE_NAME).rename(one.parent / "x")
            and (one / FILE_NAME).symlink_to(one.parent / "x")
        ),
        "out of the folder",
    ),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=DAMAGES)
def test_a_folder_that_is_another_is_refused(
    folder: Path, damage: Callable[[Path], object], told: str
) -> None:
    """Whatever it is that differs, in a message that names it."""
    damage(folder)

    with pytest.raises(ModelLoadError, match=told):
        check_pins(folder)


def test_how_to_go_on_is_told(folder: Path) -> None:
    """Who has changed a file themselves learns how to pin it."""
    (folder / "code" / "inference.py").write_text("def predict_fn(d, m): return 1")

    with pytest.raises(ModelLoadError, match=f"`byo pin {folder}` writes it anew"):
        check_pins(folder)
    write_pins(folder)

    check_pins(folder)


def test_code_that_came_after_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK adds ``code/`` to an archive: that is told, and refused where pins are required."""
    (tmp_path / "model.joblib").write_bytes(b"model")
    write_pins(tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text("")

    check_pins(tmp_path)

    assert "code/inference.py came after training" in caplog.text
    with pytest.raises(ModelLoadError, match=r"added: code/inference\.py"):
        check_pins(tmp_path, "require")


def test_what_tools_leave_beside_a_model(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK's local mode unpacks archives where they lie; macOS packs files of its own."""
    caplog.set_level("INFO")
    for name in ("model.tar.gz", "output.tar.gz", ".DS_Store", "code/._inference.py"):
        (folder / name).write_bytes(b"x")

    check_pins(folder)

    assert "model.tar.gz" in caplog.text
    assert "no part of the model" in caplog.text
    with pytest.raises(ModelLoadError, match=r"added: .*model\.tar\.gz"):
        check_pins(folder, "require")
    (folder / "code" / "more.tar.gz").write_bytes(b"x")
    with pytest.raises(ModelLoadError, match=r"\(added: code/more\.tar\.gz\)"):
        check_pins(folder)


def test_modes(tmp_path: Path) -> None:
    """Pins may be required, or not be looked at."""
    (tmp_path / "model.joblib").write_bytes(b"model")
    check_pins(tmp_path)
    with pytest.raises(ModelLoadError, match=f"has no {FILE_NAME}"):
        check_pins(tmp_path, "require")
    (tmp_path / FILE_NAME).write_text("damaged")
    check_pins(tmp_path, "off")


def test_a_signature_may_be_made_after_the_pins(folder: Path) -> None:
    """It is none of what they are about."""
    (folder / "model.sig").write_text("{}")

    check_pins(folder, "require")


def test_what_can_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a traceback."""
    found = FolderDigests(folder)
    (folder / ".hidden").unlink()

    with pytest.raises(ModelLoadError, match=r"\.hidden can't be read: No such file"):
        check_pins(folder, found=found)
