"""Small packages to install, as wheel files and as source folders."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: numpy\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "{version}"
[tool.setuptools]
py-modules = ["tiny"]
"""
# Offline, with what builds packages from where the tests have it: by pip's rule 0 turns it off.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_CONFIG_FILE": os.devnull}


def wheel(folder: Path, version: str = "1.0", name: str = "tiny", source: str = "") -> Path:
    """A package of one module, which needs numpy, as a wheel file.

    Args:
        folder: where to write it.
        version: the package's version.
        name: the name of the package and of its module.
        source: more of the module than its NAME.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{version}-py3-none-any.whl"
    information = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", f"NAME = {name!r}\n{source}")
        archive.writestr(f"{information}/METADATA", METADATA.format(name=name, version=version))
        archive.writestr(f"{information}/WHEEL", WHEEL)
        archive.writestr(f"{information}/RECORD", "")
    return file


def project(folder: Path, version: str = "1.0") -> Path:
    """The same as a source folder."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT.format(version=version))
    (folder / "tiny.py").write_text("NAME = 'tiny'\n")
    return folder
