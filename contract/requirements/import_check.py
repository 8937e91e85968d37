"""Whether what a requirements file has brought can be imported, each package in a fresh process.

    python -P -m contract.requirements.import_check FOLDER

prints what came of it as JSON. A wheel may need a library of the system, which neither pip nor
``pip check`` knows of.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from contract.requirements.local_files import local_package
from contract.requirements.requirement_lines import FILE_NAME, Kind, Line, read_lines
from contract.requirements.system_libraries import (
    missing_libraries,
    missing_library,
    package_of,
)

# A first import may compile much.
SECONDS = 180.0
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
# What packages carry along beside what they are for.
_ASIDE = {"test", "tests", "docs", "doc", "examples", "benchmarks", "scripts", "tools"}


@dataclass(frozen=True)
class Imported:
    """What came of importing one package.

    Args:
        package: its name.
        modules: what was imported.
        error: the last line of what went wrong; None where nothing did.
        libraries: the system libraries that are missing.
    """

    package: str
    modules: list[str]
    error: str | None = None
    libraries: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.package} imports"
        if not self.libraries:
            return f"{self.package} can't be imported: {self.error}"
        packages = list(dict.fromkeys(map(package_of, self.libraries)))
        lines = f"the line{'s' * (len(packages) > 1)} {', '.join(packages)}"
        return (
            f"{self.package} can't be imported: the image lacks {', '.join(self.libraries)}: put "
            f"{lines} into apt.txt in the algorithm folder, and build the image again"
        )


def check_imports(folder: Path) -> Iterator[Imported]:
    """Import what a folder's requirements file names and this environment has.

    Args:
        folder: the folder of the file.
    """
    seen = set()
    for line in read_lines(folder / FILE_NAME):
        distribution = None if line.constrains else _distribution(line, folder)
        if distribution is not None and distribution.name not in seen:
            seen.add(distribution.name)
            modules = _modules(distribution)
            if modules:
                yield _import(distribution, modules)


def read_answer(answer: list[dict[str, Any]]) -> list[Imported]:
    """What the program has printed as JSON."""
    return [Imported(**one) for one in answer]


def _import(distribution: metadata.Distribution, modules: list[str]) -> Imported:
    package = distribution.name
    program = "; ".join(f"import {module}" for module in modules)
    command = (sys.executable, "-P", "-c", program)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Imported(package, modules, f"its import took longer than {SECONDS:.0f} s")
    if done.returncode == 0:
        return Imported(package, modules)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    error = lines[-1].strip() if lines else f"its import ended with exit code {done.returncode}"
    first = missing_library(done.stderr)
    if first is None:
        return Imported(package, modules, error)
    # The loader names one at a time.
    binaries = [distribution.locate_file(file) for file in distribution.files or ()]
    others = missing_libraries([Path(str(file)) for file in binaries])
    return Imported(package, modules, error, list(dict.fromkeys([first, *others])))


def _distribution(line: Line, folder: Path) -> metadata.Distribution | None:
    if line.kind not in (Kind.REQUIREMENT, Kind.EDITABLE):
        return None
    path = local_package(line, folder)
    if path is not None and path.is_dir():
        return _made_from(path)
    found = _NAME.match(line.value if path is None else path.name.partition("-")[0])
    try:
        return metadata.distribution(found[0]) if found else None
    except metadata.PackageNotFoundError:  # its marker rules it out, or it is an address
        return None


def _made_from(folder: Path) -> metadata.Distribution | None:
    """The distribution that pip has built from a folder, or from a copy of it."""
    for one in metadata.distributions():
        origin = json.loads(one.read_text("direct_url.json") or "{}")
        if PurePosixPath(origin.get("url", "")).name == folder.resolve().name:
            return one
    return None


def _modules(distribution: metadata.Distribution) -> list[str]:
    """The importable names at the top of a distribution: the one of its own name, else all."""
    told = (distribution.read_text("top_level.txt") or "").split()
    names = told or [_top(PurePosixPath(str(file))) for file in distribution.files or ()]
    public = [
        name
        for name in dict.fromkeys(names)
        if name.isidentifier() and not name.startswith("_") and name not in _ASIDE
    ]
    own = distribution.name.lower().replace("-", "_")
    return [name for name in public if name.lower() == own] or public


def _top(file: PurePosixPath) -> str:
    if file.suffix not in (".py", ".so") or file.parts[0] in ("..", "/"):
        return ""
    return file.parts[0].partition(".")[0]


if __name__ == "__main__":
    print(json.dumps([asdict(one) for one in check_imports(Path(sys.argv[1]))]))  # noqa: T201
