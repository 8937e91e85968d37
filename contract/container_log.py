"""The container's log: one way to say something in it, for this project and for users' code.

Every module says what it has to say by ``logging.getLogger(__name__)``, and each process calls
`configure` once. Users' own loggers show at the same level, once: the root logger is left without a
handler, so that their ``logging.basicConfig`` works as anywhere, and what no handler takes is
printed by the handler of last resort.

What is no log line stays a plain write: what multi-model-server and SageMaker read from the output
of a process (``[PID]``, ``[METRICS]``, metrics of a training job), and what the command line
prints.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

PACKAGES = ("contract", "handler", "training_entry")
# multi-model-server stamps each line with the time and the worker.
BARE = "%(message)s"
# `serve` and its fork server print past the frontend.
SERVE_FORM = "serve: %(message)s"


def configure(level: int, form: str = BARE) -> None:
    """Called in each process, and again in one that is forked from it: log to standard output.

    Args:
        level: of Python's logging; for users' loggers, too.
        form: the format of a line, as ``logging.Formatter`` takes it.
    """
    ours = _handler(form)
    for package in PACKAGES:
        logger = logging.getLogger(package)
        logger.handlers = [ours]
        logger.propagate = False  # else it would show twice where the root has a handler
        logger.setLevel(level)
    logging.getLogger().setLevel(level)
    logging.lastResort = _handler(form)


def _handler(form: str) -> logging.StreamHandler[TextIO]:
    handler: logging.StreamHandler[TextIO] = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter(form))
    return handler
