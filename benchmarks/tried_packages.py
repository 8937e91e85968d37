"""What packages add to an image, and whether they can be imported there.

    python -m benchmarks.tried_packages IMAGE PACKAGE...

prints a row of docs/requirements.md for each. Every package is installed in a container of its
own, into an environment that sees the image's packages, as a job's requirements are.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from contract.requirements.import_check import Imported, read_answer
from contract.requirements.system_libraries import package_of

SECONDS = 900
# Runs in the container; the last line tells a list, or pip's reason.
PROGRAM = """
import json, os, subprocess, sys, tempfile
from pathlib import Path
from contract.errors import UserCodeError
from handler.serve.model_requirements import install
with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as folder:
    Path(folder, "requirements.txt").write_text(sys.argv[1])
    try:
        overlay = install([Path(folder)], Path(scratch), float(sys.argv[2]), os.environ)
    except UserCodeError as error:
        print(json.dumps(str(error)))
    else:
        files = overlay.site_packages.rglob("*") if overlay else ()
        size = sum(file.stat().st_size for file in files if file.is_file())
        python = overlay.python if overlay else sys.executable
        check = (python, "-P", "-m", "contract.requirements.import_check", folder)
        imported = json.loads(subprocess.check_output(check))
        print(json.dumps({"size": size, "imported": imported}))
"""


@dataclass(frozen=True)
class Tried:
    """What came of one package."""

    package: str
    size: int
    came_of_it: str

    def __str__(self) -> str:
        return f"| {self.package} | {self.size / 1e6:.0f} | {self.came_of_it} |"


def try_package(image: str, package: str) -> Tried:
    """Install and import a package in a container of an image."""
    command = ["docker", "run", "--rm", "--entrypoint", "python", image, "-P", "-c", PROGRAM]
    done = subprocess.run(
        [*command, package, str(SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=2 * SECONDS,
    )
    outcome = json.loads(done.stdout.splitlines()[-1])
    if isinstance(outcome, str):
        return Tried(package, 0, outcome)
    told = "; ".join(map(_needs, read_answer(outcome["imported"])))
    return Tried(package, outcome["size"], told or "it has no module of its own")


def _needs(one: Imported) -> str:
    if one.libraries:
        return ", ".join(dict.fromkeys(f"`{package_of(name)}`" for name in one.libraries))
    return one.error or "nothing"


def main(image: str, packages: list[str]) -> None:
    for package in packages:
        print(try_package(image, package), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
