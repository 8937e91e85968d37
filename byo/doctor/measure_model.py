"""What memory a process needs to hold a model: ``python -m byo.doctor.measure_model FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from byo.doctor.endpoint_size import MEASURED
from contract.settings import ServingSettings
from handler.fork_server import preload
from handler.invocation.pipeline_loading import load_pipeline
from handler.processes.process_memory import private_bytes


def main() -> None:
    """Load a model as a host does, and print the bytes that it took."""
    settings = ServingSettings.from_environ(os.environ)
    preload.rehearse(settings)  # what hosts share is no model's
    before = private_bytes()
    pipeline = load_pipeline(Path(sys.argv[1]), settings)
    sys.stdout.write(f"{MEASURED} {max(0, private_bytes() - before)}\n")
    del pipeline


if __name__ == "__main__":
    main()
