"""An environment for what a requirements file asks for and the installed packages lack.

It is a virtual environment in a scratch folder, which adds the packages of the environment that
makes it. pip finds there what is installed, installs what is not, and never touches what lies
outside, which may be read-only, or shared by others. Jobs and endpoints run users' code by its
interpreter.
"""

from __future__ import annotations

import logging
import os
import site
import sys
import venv
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from contract.requirements.local_files import copy_needed, folders_to_build

logger = logging.getLogger(__name__)

ENVIRONMENT_NAME = "requirements"
# By its name it comes after the files by which editable packages name where they lie.
PARENT_FILE = "~parent.pth"
PIP_SETTINGS = "pip.conf"
INTERPRETER_VARIABLE = "BYO_REQUIREMENTS_PYTHON"


class Overlay:
    """The environment.

    Args:
        scratch: the folder to make it in.

    Raises:
        OSError: it can't be made.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.folder = scratch / ENVIRONMENT_NAME
        venv.EnvBuilder(symlinks=True, with_pip=False).create(self.folder)
        [self.site_packages] = self.folder.glob("lib/python*/site-packages")
        lines = [f"import site; site.addsitedir({parent!r})\n" for parent in _parents()]
        (self.site_packages / PARENT_FILE).write_text("".join(lines), encoding="utf-8")
        # What `pip config --site` has set, such as an index.
        settings = Path(sys.prefix, PIP_SETTINGS)
        if settings.is_file():
            (self.folder / PIP_SETTINGS).symlink_to(settings)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """An environment whose processes find what is installed here first, by any Python."""
        parents = {os.path.realpath(parent) for parent in _parents()}
        given = environ.get("PYTHONPATH", "").split(os.pathsep)
        kept = [entry for entry in given if entry and os.path.realpath(entry) not in parents]
        path = [str(self.folder / "bin"), environ.get("PATH") or os.defpath]
        return {
            **environ,
            "PYTHONPATH": os.pathsep.join([str(self.site_packages), *kept]),
            "PATH": os.pathsep.join(path),
            "VIRTUAL_ENV": str(self.folder),
            INTERPRETER_VARIABLE: str(self.python),
        }

    def building_folder(self, file: Path) -> Path:
        """The folder for pip to run in: a requirements file's own, or where that can't be written
        to, a copy of what pip needs of it, as pip builds there what is named by a folder.
        """
        if all(os.access(path, os.W_OK) for path in (file.parent, *folders_to_build(file))):
            return file.parent
        copy = self._scratch / f"{ENVIRONMENT_NAME}-of-{file.parent.name}"
        copy_needed(file, copy)
        return copy

    def tell_replaced(self) -> None:
        """Log what is installed here in another version than the one below, which others keep."""
        below = _versions(_parents())
        for name, version in sorted(_versions([str(self.site_packages)]).items()):
            if below.get(name, version) != version:
                logger.warning(
                    "the requirements replace %s %s by %s, here alone: what is installed stays "
                    "as it is",
                    name,
                    below[name],
                    version,
                )


def interpreter(environ: Mapping[str, str]) -> str:
    """The Python that runs users' code: that of the overlay, where there is one."""
    return environ.get(INTERPRETER_VARIABLE) or sys.executable


def _parents() -> list[str]:
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [*site.getsitepackages(), *user]


def _versions(path: list[str]) -> dict[str, str]:
    """The version of each distribution, by its name as an index spells it."""
    found = [one for one in metadata.distributions(path=path) if one.metadata["Name"]]
    return {one.name.lower().replace("_", "-"): one.version for one in found}
