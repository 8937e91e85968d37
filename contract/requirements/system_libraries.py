"""Which of Debian's packages has a system library that an extension module looks for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

# The loader's words.
_MISSING = re.compile(r"(lib[\w.+-]+?\.so[.\d]*): cannot open shared object file")
_NOT_FOUND = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)
SECONDS = 60.0
# The engine brings these from a machine that has the device.
_OF_DRIVERS = re.compile(r"libcuda\.|libnvidia|libOpenCL\.")
_PARTS = re.compile(r"(.+?)\.so\.?([.\d]*)")
# Whose packages are not named after them.
_EXCEPTIONS = {
    "libexslt.so.0": "libxslt1.1",
    "libgeos_c.so.1": "libgeos-c1v5",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxml2.so.2": "libxml2",
    "libxslt.so.1": "libxslt1.1",
}


def missing_library(text: str) -> str | None:
    """The library that an error says is not there; None where it says something else.

    A library of a device's driver counts as something else, as no image has it.
    """
    found = _MISSING.search(text)
    return found[1] if found and not _OF_DRIVERS.match(found[1]) else None


def missing_libraries(files: list[Path]) -> list[str]:
    """The libraries that extension modules and libraries are linked with and that are not there.

    Args:
        files: a package's files; what is among them itself does not count.
    """
    binaries = [str(file) for file in files if ".so" in file.suffixes and file.is_file()]
    if not binaries or shutil.which("ldd") is None:
        return []
    command = ("ldd", *binaries)  # part of the system's C library
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    own = {file.name for file in files}
    found = dict.fromkeys(_NOT_FOUND.findall(done.stdout))
    return [name for name in found if name not in own and not _OF_DRIVERS.match(name)]


def package_of(library: str) -> str:
    """Debian's package of a library: named after it and its version, by Debian's rule."""
    parts = _PARTS.fullmatch(library)
    if library in _EXCEPTIONS or parts is None:
        return _EXCEPTIONS.get(library, library)
    name, version = parts[1].lower().replace("_", "-"), parts[2]
    return f"{name}-{version}" if version and name[-1].isdigit() else f"{name}{version}"
