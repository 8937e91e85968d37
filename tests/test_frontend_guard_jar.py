"""The compiled guard that is kept in the checkout: that of its sources, and for each Java."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from handler.serve.frontend_command import GUARD, MAIN_CLASSES
from handler.serve.java_runtime import model_server_home

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "docker" / "build_steps" / "frontend_jar.py"
SOURCES = ROOT / "handler" / "frontend" / "src"
# Another compiler may give other bytes for the same source: this one is Debian's and the image's.
COMPILER = "17."
JAVA_8 = 52


def compiler_version() -> str:
    """The version of the JDK that is installed; empty if none is."""
    if shutil.which("javac") is None:
        return ""
    told = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    return (told.stdout or told.stderr).removeprefix("javac ")


@pytest.mark.skipif(not compiler_version().startswith(COMPILER), reason="needs a JDK 17")
def test_the_jar_is_that_of_its_sources(tmp_path: Path) -> None:
    """To the byte: after a change of the sources, make guard."""
    frontend = model_server_home() / "mms" / "frontend" / "model-server.jar"
    built = tmp_path / "guard.jar"

    subprocess.run([sys.executable, SCRIPT, frontend, SOURCES, built], check=True)

    assert built.read_bytes() == GUARD.read_bytes()


def test_the_jar_is_for_each_java_from_8_on() -> None:
    """A machine's own Java may be an old one."""
    with zipfile.ZipFile(GUARD) as jar:
        names = [name for name in jar.namelist() if name.endswith(".class")]
        versions = {int.from_bytes(jar.read(name)[6:8], "big") for name in names}

    assert f"{MAIN_CLASSES[0].replace('.', '/')}.class" in names
    assert versions == {JAVA_8}


def test_each_source_is_in_the_jar() -> None:
    """Also where there is no JDK to compile them."""
    with zipfile.ZipFile(GUARD) as jar:
        compiled = {name.removesuffix(".class") for name in jar.namelist()}

    sources = {str(file.relative_to(SOURCES).with_suffix("")) for file in SOURCES.rglob("*.java")}
    assert sources <= compiled
