"""The container's log: one way to say something in it, for this project and for users' code.

Every module says what it has to say by ``logging.getLogger(__name__)``, and each process calls
`configure` once. Users' own loggers show at the same level, once: the root logger is left without a
handler, so that their ``logging.basicConfig`` works as anywhere, and what no handler takes is
printed by the handler of last resort. What concerns one invocation has its id as
``extra={"request_id": …}``.

As text or as JSON (contract/log_format.py); as JSON, what is merely printed is a line of it, too.

What is no log line stays a plain write: what multi-model-server and SageMaker read from the output
of a process (``[PID]``, ``[METRICS]``, metrics of a training job), and what the command line
prints.
"""

from __future__ import annotations

import copy
import logging
import os
import sys

from contract import json_output, log_format
from contract.environment_secrets import EnvironmentSecrets
from contract.json_lines import JsonFormatter
from contract.json_output import JsonHandler

PACKAGES = ("contract", "handler", "training_entry")
# multi-model-server stamps each line with the time and the worker.
BARE = "%(message)s"
# `serve` and its fork server print past the frontend.
SERVE_FORM = "serve: %(message)s"


class TextFormatter(logging.Formatter):
    """Text: a line, the invocation's id before what it says, and a traceback under it.

    Args:
        form: as ``logging.Formatter`` takes it.
        secrets: what must not show.
    """

    def __init__(self, form: str, secrets: EnvironmentSecrets) -> None:
        super().__init__(form)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", None)
        if request_id:
            record = copy.copy(record)  # others may format it, too
            record.msg, record.args = f"[{request_id}] {record.getMessage()}", None
        return self._secrets.hide(super().format(record))


def configure(level: int, form: str = BARE) -> None:
    """Called in each process, and again in one that is forked from it: log to standard output.

    Args:
        level: of Python's logging; for users' loggers, too.
        form: the format of a line of text, as ``logging.Formatter`` takes it.
    """
    as_json = log_format.is_json(os.environ)
    ours = _json_handler() if as_json else _text_handler(form)
    for package in PACKAGES:
        logger = logging.getLogger(package)
        logger.handlers = [ours]
        logger.propagate = False  # else it would show twice where the root has a handler
        logger.setLevel(level)
    logging.getLogger().setLevel(level)
    logging.lastResort = ours
    if as_json:
        _replace_text_handlers(ours)
        _log_warnings(ours)
        json_output.install()


def _replace_text_handlers(ours: logging.Handler) -> None:
    """Such as multi-model-server's worker makes before anything of ours runs."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        stream = getattr(handler, "stream", None)
        if stream is not None and stream in (sys.__stdout__, sys.__stderr__):
            root.removeHandler(handler)
            root.addHandler(ours)


def _log_warnings(handler: logging.Handler) -> None:
    """Python's own warnings are lines with a level, too."""
    logging.captureWarnings(True)
    warned = logging.getLogger("py.warnings")
    warned.handlers = [handler]
    warned.propagate = False


def _json_handler() -> logging.Handler:
    handler = JsonHandler()
    handler.setFormatter(JsonFormatter())
    return handler


def _text_handler(form: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(TextFormatter(form, EnvironmentSecrets(os.environ)))
    return handler
