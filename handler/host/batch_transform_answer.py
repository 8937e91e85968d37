"""Asks the user's `execution_parameters_fn`, once a model has loaded, for batch transform jobs."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from handler.invocation.pipeline import Pipeline
from handler.processes import batch_transform_file
from handler.processes.invocation_time_limit import DeadlineExceeded

logger = logging.getLogger(__name__)


def ask_user(pipeline: Pipeline, folder: Path) -> None:
    """Have what the user's function says answered, if there is one and it says something.

    Args:
        pipeline: the model that has loaded.
        folder: the scratch folder.
    """
    if pipeline.user.execution_parameters_fn is None:
        return
    try:
        with pipeline.limit(pipeline.settings.timeout):
            said = pipeline.execution_parameters()
        batch_transform_file.write(folder, json.dumps(said))
    except (Exception, SystemExit, DeadlineExceeded) as error:
        logger.warning(
            "execution_parameters_fn gave none for batch transform jobs, the defaults stand: %s",
            str(error) or type(error).__name__,
        )
