"""What a model's own code asks for beyond the image: ``requirements.txt`` beside its module.

As in SageMaker's own images it is installed when the server starts. The environment may be
read-only, and other servers may use it: only what it lacks is installed, into the scratch
folder, ahead of everything else on the path.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from contract.errors import UserCodeError

FILE_NAME = "requirements.txt"
SITE_NAME = "site-packages"


def install(code_dir: Path, scratch: Path, seconds: float) -> Path | None:
    """Install what a code folder asks for and this environment lacks.

    Args:
        code_dir: the folder of the user's module.
        scratch: the folder to install into.
        seconds: how long each of pip's two runs may take.

    Returns:
        The folder to put on the path, or None if nothing was lacking.

    Raises:
        UserCodeError: pip could not install it; the message has pip's own line.
    """
    file = code_dir / FILE_NAME
    if not _asks_for_anything(file):
        return None
    report = scratch / "pip-report.json"
    # Asked first what it would do: a plain install into a folder takes every dependency along,
    # numpy among them, whether the environment has it or not.
    _pip(file, seconds, "--dry-run", "--quiet", "--report", str(report), "-r", str(file))
    lacking = json.loads(report.read_text(encoding="utf-8"))["install"]
    if not lacking:
        return None
    site = scratch / SITE_NAME
    wanted = [each["download_info"]["url"] for each in lacking]
    _pip(file, seconds, "--quiet", "--no-deps", "--target", str(site), *wanted)
    return site


def _asks_for_anything(file: Path) -> bool:
    if not file.is_file():
        return False
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return any(line and not line.startswith("#") for line in lines)


def _pip(file: Path, seconds: float, *arguments: str) -> None:
    # No cache: nothing is to be written outside the scratch folder.
    options = ("--disable-pip-version-check", "--no-cache-dir")
    command = [sys.executable, "-m", "pip", "install", *options, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=file.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserCodeError(f"pip did not install {file} within {seconds:.0f} s") from None
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("ERROR:")] or lines or ["(nothing)"]
        raise UserCodeError(f"pip could not install {file}: {said[-1].removeprefix('ERROR: ')}")
