"""A user's folder on a machine without AWS: programs run there, and nothing of them is left."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byo.child_processes import child
from tests.container import engine

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent / "programs"
PENGUINS = ROOT / "algorithm" / "sample" / "input" / "data" / "training" / "penguins.csv"
# Version 2 and version 3 of the SDK both make it, and leave it.
NETWORK = "sagemaker-local"
PROGRAM_SECONDS = 300
# Nothing listens here: a call of AWS where none should be fails at once.
NOWHERE = "http://127.0.0.1:9"
NO_TELEMETRY = """\
SchemaVersion: "1.0"
SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}
"""
# What a developer's shell may hold must not reach the programs.
FOREIGN = ("AWS_", "SAGEMAKER_", "BYO_", "PYTHON")


@dataclass(frozen=True)
class Run:
    """How a program ended, and all that it and its containers printed."""

    code: int
    printed: str

    @property
    def result(self) -> dict[str, Any]:
        """What the program reported: the last line of JSON."""
        assert self.code == 0, self.printed
        reports = [line for line in self.printed.splitlines() if line.startswith('{"')]
        assert reports, self.printed
        return json.loads(reports[-1])


@dataclass(frozen=True)
class Workplace:
    """A folder with programs and data, and the environment that they see."""

    folder: Path
    environ: dict[str, str]

    def run(self, *command: str | Path, seconds: float, **environ: str) -> Run:
        """Run a command in the folder to its end.

        Raises:
            subprocess.TimeoutExpired: it took longer than so many seconds, and was killed.
        """
        log = self.folder / "log"
        inside = ("env", f"--chdir={self.folder}", *command)
        with log.open("wb") as stream, child(inside, self.environ | environ, stdout=stream) as one:
            code = one.wait(seconds)
        return Run(code, log.read_text(errors="replace"))

    def program(self, python: Path, name: str, *arguments: str, **environ: str) -> Run:
        """Run one of the programs, in an environment that this project is not in."""
        return self.run(python, "-I", name, *arguments, seconds=PROGRAM_SECONDS, **environ)


@contextmanager
def workplace(folder: Path, image: str) -> Iterator[Workplace]:
    """A workplace in an empty folder, until the block ends."""
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    (folder / "tmp").mkdir()
    (folder / "data").mkdir()
    shutil.copy(PENGUINS, folder / "data")
    settings = folder / "sdk.yaml"
    settings.write_text(NO_TELEMETRY)
    had_network = has_network()
    try:
        yield Workplace(folder, _environ(folder, image, settings))
    finally:
        remove_containers(folder)
        if not had_network:
            with suppress(engine.EngineError):  # in use by another
                engine.docker("network", "rm", NETWORK)
        if os.getuid() != 0:
            engine.give_back(image, folder)


def has_network() -> bool:
    """Whether the engine has the network that local mode makes."""
    return NETWORK in engine.docker("network", "ls", "--format", "{{.Name}}").split()


def containers(folder: Path) -> list[str]:
    """The ids of the containers, ended ones too, that something below a folder is mounted into."""
    listed = engine.docker("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Mounts}}")
    pairs = [line.split(" ", 1) for line in listed.splitlines()]
    return [one for one, mounts in pairs if any(_is_below(m, folder) for m in mounts.split(","))]


def remove_containers(folder: Path) -> None:
    """Local mode stops its containers, and keeps them."""
    for one in containers(folder):
        engine.docker("rm", "--force", "--volumes", one)


def _is_below(mounted: str, folder: Path) -> bool:
    return Path(mounted).is_relative_to(folder)


def _environ(folder: Path, image: str, settings: Path) -> dict[str, str]:
    """What is set for a user of local mode who has no account, a home of its own among it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    docker_config = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    return kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "DOCKER_CONFIG": docker_config,
        "IMAGE": image,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": NOWHERE,
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
        "NO_COLOR": "1",
    }
