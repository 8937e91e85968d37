"""Can what a requirements.txt names be imported in an image?

    python -P -m byo.contract_check.imports_in_image FOLDER SECONDS

is what runs in the container; its last line on stdout tells the outcome.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from byo.command_errors import RunFailed
from byo.containers.docker_engine import docker
from byo.contract_check.findings import Finding, error, ok, warning
from contract.errors import UserCodeError
from contract.requirements.import_check import Imported, read_answer
from contract.requirements.overlay import interpreter
from contract.requirements.requirement_lines import FILE_NAME
from contract.settings import DEFAULT_ALGORITHM_DIR
from handler.serve.model_requirements import install


def check_imports_in(image: str, folder: Path, seconds: float) -> Iterator[Finding]:
    """Import in a container of an image what a folder's requirements file names.

    What the image does not hold yet is installed in the container first.

    Args:
        image: the image's name.
        folder: the algorithm folder, which takes the place of the image's own.
        seconds: how long pip may take, and all imports.
    """
    try:
        outcome = json.loads(_run(image, folder, seconds).splitlines()[-1])
    except RunFailed as failure:
        yield error(f"{image} could not try what it names: {failure}", FILE_NAME)
        return
    except (ValueError, IndexError):
        yield error(f"{image} is of another version, and could not try what it names", FILE_NAME)
        return
    if isinstance(outcome, str):
        yield error(f"in {image}: {outcome}", FILE_NAME)
        return
    for one in read_answer(outcome):
        yield _finding(image, one)


def _run(image: str, folder: Path, seconds: float) -> str:
    """What the program has printed in a container, of which nothing is left then."""
    name = f"byo-check-{secrets.token_hex(4)}"
    where = f"type=bind,source={folder.resolve()},target={DEFAULT_ALGORITHM_DIR},readonly"
    options = ("--name", name, "--entrypoint", "python", "--mount", where)
    program = ("-P", "-m", __name__, DEFAULT_ALGORITHM_DIR, f"{seconds:g}")
    try:
        return docker("run", *options, image, *program, seconds=2 * seconds)
    finally:
        with suppress(RunFailed):
            docker("rm", "--force", name)


def _finding(image: str, one: Imported) -> Finding:
    if one.error is None:
        return ok(f"in {image}: {one}", FILE_NAME)
    return (error if one.libraries else warning)(f"in {image}: {one}", FILE_NAME)


def main(folder: Path, seconds: float) -> None:
    """Print what came of it: a list, one for each package, or the text of an error."""
    with TemporaryDirectory(prefix="byo-imports-") as scratch:
        try:
            overlay = install([folder], Path(scratch), seconds, os.environ)
        except UserCodeError as failure:
            print(json.dumps(str(failure)))  # noqa: T201
            return
        environ = overlay.environ(os.environ) if overlay else os.environ
        command = (interpreter(environ), "-P", "-m", "contract.requirements.import_check", folder)
        subprocess.run(command, env=environ, check=True, timeout=seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
