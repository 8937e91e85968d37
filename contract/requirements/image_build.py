"""What an image's build does for an algorithm's requirements, in two steps.

    python -m contract.requirements.image_build gather FOLDER TARGET
    python -m contract.requirements.image_build install FOLDER

The first copies what pip needs of the folder, so that a change of anything else does not install
anew; the second runs pip there, and imports what that has brought.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from contract.requirements import installed_marks
from contract.requirements.import_check import check_imports
from contract.requirements.local_files import copy_needed, files_in, problems
from contract.requirements.pip_run import unattended
from contract.requirements.requirement_lines import FILE_NAME, Kind, read_lines

REFUSED = 2


def gather(folder: Path, target: Path) -> int:
    """Copy a requirements file and all that it names by a path.

    Args:
        folder: the algorithm folder.
        target: the folder to make.

    Returns:
        The exit code: 2 where the folder lacks something of it.
    """
    wrong = [f"{line.file.name}:{line.number}: {why}" for line, why in problems(folder / FILE_NAME)]
    for text in wrong:
        sys.stderr.write(f"{text} (or does .dockerignore leave it out?)\n")
    if wrong:
        return REFUSED
    copy_needed(folder / FILE_NAME, target)
    return 0


def install(folder: Path) -> int:
    """Install what a folder's requirements file asks for into this environment.

    Args:
        folder: where the file and what it needs lie, and will lie.

    Returns:
        The exit code, pip's where it failed.
    """
    file = folder / FILE_NAME
    lines = read_lines(file)
    if not lines:
        return 0
    mark = installed_marks.mark(file)
    before = {*files_in(folder)}
    code = _pip(folder, "install", "-r", FILE_NAME) or _pip(folder, "check")
    if code:
        return code
    if all(line.kind is not Kind.EDITABLE for line in lines):
        _remove_what_building_left(folder, before)
    installed_marks.leave(mark, Path(sysconfig.get_path("purelib")))
    return _try_imports(folder)


def _try_imports(folder: Path) -> int:
    """Say what can't be imported; only what lacks a library that the image can have is a failure.

    Other errors may be the build's own: it has no device, and none of a job's settings.
    """
    failed = False
    for one in check_imports(folder):
        sys.stderr.write(f"{FILE_NAME}: {one}\n")
        failed |= bool(one.libraries)
    return 1 if failed else 0


def _pip(folder: Path, *arguments: str) -> int:
    # -P: the folder's own modules are not pip's.
    command = (sys.executable, "-P", "-m", "pip", *arguments)
    environ = {**os.environ, **unattended(os.environ)}
    return subprocess.run(command, cwd=folder, env=environ, check=False).returncode


def _remove_what_building_left(folder: Path, before: set[Path]) -> None:
    for root, folders, names in os.walk(folder, topdown=False):
        for path in (Path(root, name) for name in names):
            if path not in before:
                path.unlink()
        for path in (Path(root, name) for name in folders):
            if not any(path.iterdir()):
                path.rmdir()


if __name__ == "__main__":
    step, first, *others = sys.argv[1:]
    if step == "gather":
        sys.exit(gather(Path(first), Path(others[0])))
    sys.exit(install(Path(first)))
