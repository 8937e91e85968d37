"""Training jobs on scratch /opt/ml trees, run by the toolkit's own `train` in real processes."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
DEADLINE = 60.0
SHOWN_CHARACTERS = 1024
TRAIN = Path(sys.executable).with_name("train")
LAUNCH = (sys.executable, "-P", "-m", "training_entry.launch")


@dataclass
class Job:
    """One training job: its tree, and the `train` process once it runs."""

    base: Path
    hyperparameters: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    command: Sequence[str | Path] = (TRAIN,)
    hosts: Sequence[str] = ("localhost",)
    log: str = ""
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def submit(self, fixture: str, program: str | None = None) -> None:
        """Submit a copy of a fixture, a file or a folder, in script mode."""
        source = self.base.parent / "source"
        program = program or fixture
        if (FIXTURES / fixture).is_dir():
            shutil.copytree(FIXTURES / fixture, source)
        else:
            source.mkdir()
            shutil.copy(FIXTURES / fixture, source / program)
        self.hyperparameters |= {
            "sagemaker_program": program,
            "sagemaker_submit_directory": str(source),
        }

    def start(self, **options: object) -> subprocess.Popen[str]:
        config = self.base / "input" / "config"
        if not config.exists():
            config.mkdir(parents=True)
            hosts = {"current_host": self.hosts[0], "hosts": [*self.hosts]}
            (config / "inputdataconfig.json").write_text("{}")
            (config / "resourceconfig.json").write_text(json.dumps(hosts))
            (config / "hyperparameters.json").write_text(json.dumps(self.hyperparameters))
        process = subprocess.Popen(
            [*self.command],
            env=environment() | {"SAGEMAKER_BASE_DIR": str(self.base)} | self.environ,
            text=True,
            **options,
        )
        self.started.append(process)
        return process

    def run(self) -> int:
        """Run `train` to its end; returns its exit code."""
        process = self.start(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log, _ = process.communicate(timeout=DEADLINE)
        return process.returncode

    def end(self) -> None:
        """Stop what a test that failed midway has left running."""
        for process in self.started:
            process.terminate()
            process.communicate(timeout=DEADLINE)

    @property
    def failure(self) -> str:
        """What SageMaker would show as FailureReason."""
        return (self.base / "output" / "failure").read_text()[:SHOWN_CHARACTERS]

    @property
    def succeeded(self) -> bool:
        return (self.base / "output" / "success").exists()


def environment() -> dict[str, str]:
    """The environment of an image: the project importable, the framework module named."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return inherited | {
        "SAGEMAKER_TRAINING_MODULE": "training_entry.main:main",
        "SM_STUDIO_LOCAL_MODE": "true",
        "BYO_ALGORITHM_DIR": "/nonexistent",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "LOKY_MAX_CPU_COUNT": "2",
    }


def read_until(stream: int, wanted: str) -> str:
    """Read a pipe until `wanted` has arrived, with a deadline."""
    until, seen = time.monotonic() + DEADLINE, b""
    while wanted.encode() not in seen:
        ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
        assert ready, f"waited for {wanted!r}, but saw only: {seen.decode()}"
        data = os.read(stream, 65536)
        assert data, f"the pipe ended before {wanted!r}: {seen.decode()}"
        seen += data
    return seen.decode()
