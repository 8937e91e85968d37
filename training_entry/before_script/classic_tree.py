"""What a tree lacks that was made by hand for a container of the classic kind.

Such a container reads ``hyperparameters.json`` and the folders of its channels, and people keep
trees with no more than that to try it on their machine. SageMaker always mounts all of it.
"""

from __future__ import annotations

import json
import logging
import socket
from contextlib import suppress

from contract.paths import Paths

logger = logging.getLogger(__name__)


def complete(paths: Paths) -> None:
    """Write the channels and the hosts of a tree that has hyperparameters and data, and not those.

    What is there is never altered. What can't be written stays missing, as whoever reads it says.
    """
    folders = paths.input_data.iterdir() if paths.input_data.is_dir() else ()
    channels = sorted(folder.name for folder in folders if folder.is_dir())
    if not channels or not paths.hyperparameters.is_file():
        return
    host = socket.gethostname()
    lacking = {
        paths.input_data_config: {name: {"TrainingInputMode": "File"} for name in channels},
        paths.resource_config: {"current_host": host, "hosts": [host]},
    }
    for file, content in lacking.items():
        if not file.exists():
            with suppress(OSError):
                file.write_text(json.dumps(content), encoding="utf-8")
                logger.warning("%s was missing, and is written: %s", file, json.dumps(content))
