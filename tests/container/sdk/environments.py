"""Throw-away environments, for the locks in requirements/ that the project's own can't hold.

python -m tests.container.sdk.environments sdk2     makes it, and prints the path of its python
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SETUP = ROOT / ".setup"
UV = SETUP / "uv" / "bin" / "uv"
MARKER = "complete"
COMMAND_SECONDS = 600


def locked(name: str) -> Path:
    """The python of an environment with exactly what ``requirements/NAME.txt`` says.

    It is made once, in ``.setup``, for this python and this lock; one of an older lock is removed.
    """
    lock = ROOT / "requirements" / f"{name}.txt"
    prefix = f"{name}-{sys.version_info.major}.{sys.version_info.minor}-"
    folder = SETUP / (prefix + hashlib.sha256(lock.read_bytes()).hexdigest()[:12])
    if not (folder / MARKER).exists():
        for other in SETUP.glob(f"{prefix}*"):
            shutil.rmtree(other)
        _uv("venv", "--quiet", "--python", sys.executable, folder)
        pip = ("pip", "sync", "--quiet", "--python", folder, "--only-binary", ":all:")
        _uv(*pip, "--require-hashes", "--compile-bytecode", lock)
        (folder / MARKER).touch()
    return folder / "bin" / "python"


def _uv(*arguments: str | Path) -> None:
    done = subprocess.run(
        [UV, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"uv {arguments[0]}: {done.stdout}"


if __name__ == "__main__":
    sys.stdout.write(f"{locked(sys.argv[1])}\n")
