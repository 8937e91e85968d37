"""What memory a process needs to hold a model: ``python -m byo.doctor.measure_model FOLDER``."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from byo.doctor.endpoint_size import MEASURED
from contract.settings import ServingSettings
from handler.fork_server import preload
from handler.invocation.pipeline_loading import load_pipeline


def main() -> None:
    """Load a model as a host does, and print the bytes that it took."""
    settings = ServingSettings.from_environ(os.environ)
    preload.rehearse(settings)  # what hosts share is no model's
    before = private_bytes()
    pipeline = load_pipeline(Path(sys.argv[1]), settings)
    sys.stdout.write(f"{MEASURED} {max(0, private_bytes() - before)}\n")
    del pipeline


def private_bytes() -> int:
    """The memory of this process that it shares with no other."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return 1024 * sum(map(int, re.findall(r"^Private_\w+:\s+(\d+)", text, re.MULTILINE)))


if __name__ == "__main__":
    main()
