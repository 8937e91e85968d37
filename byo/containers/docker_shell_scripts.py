"""The scripts that build and push the image: a checkout has them, beside the Dockerfile."""

from __future__ import annotations

from pathlib import Path

import byo
from byo.command_errors import UsageError

FOLDER = "docker"


def find_script(name: str) -> Path:
    """A script of this package's own checkout, else of the one around the current folder.

    Raises:
        UsageError: there is neither, as where the package was installed from a wheel.
    """
    here = Path.cwd()
    for root in (Path(byo.__file__).resolve().parents[1], here, *here.parents):
        script = root / FOLDER / name
        if script.is_file() and (root / "Dockerfile").is_file():
            return script
    raise UsageError(
        f"the Dockerfile and {FOLDER}/{name} are in the project's checkout, and this byo was "
        "installed without one: run it inside a checkout"
    )
