"""AWS's model-hosting-container-standards: which of its variables count here, and why not others.

Users of images with its ``standard-supervisor`` set them. Those with a counterpart among the
settings are read with it (contract/settings.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from contract.environment_reader import level_of

AUTO_RECOVERY = "PROCESS_AUTO_RECOVERY"
START_RETRIES = "PROCESS_MAX_START_RETRIES"
AUTO_INSTALL = "STANDARD_AUTO_INSTALL_REQ"
LOG_LEVEL = "LOG_LEVEL"
_NO_FASTAPI = "requests are answered by the functions of inference.py, not by FastAPI's"
_SESSIONS = "sessions are not kept: each request is answered by itself"
_REASONS = {
    "STANDARD_PIP_ARGS": "what to install, and from where, are lines of a requirements.txt",
    "CUSTOM_SCRIPT_FILENAME": "SAGEMAKER_PROGRAM names the user's module",
    "SAGEMAKER_MODEL_PATH": "the model is the folder model/ of SAGEMAKER_BASE_DIR",
    "CUSTOM_PRE_PROCESS": "input_fn of inference.py reads a request",
    "CUSTOM_POST_PROCESS": "output_fn of inference.py writes an answer",
    "SAGEMAKER_ENABLE_STATEFUL_SESSIONS": _SESSIONS,
    "SAGEMAKER_SESSIONS_EXPIRATION": _SESSIONS,
    "SAGEMAKER_SESSIONS_PATH": _SESSIONS,
}
# What they say by default, and what holds here in any case.
_AS_IT_IS = {
    ("SAGEMAKER_MODEL_PATH", "/opt/ml/model"),
    ("SAGEMAKER_ENABLE_STATEFUL_SESSIONS", "false"),
}


def unheeded(environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable that is set and does not count, with the reason."""
    for name in sorted(environ):
        value = environ[name].strip()
        reason = _reason(name, value)
        if value and reason and (name, value.rstrip("/").lower()) not in _AS_IT_IS:
            yield f"{name} is not heeded: {reason}"


def counting_log_level(text: str | None) -> int:
    """The level that ``LOG_LEVEL`` means; INFO where that is not set, or somebody else's."""
    level = level_of(text) if text else None
    return logging.INFO if level is None else level


def _reason(name: str, value: str) -> str | None:
    if name.startswith("SUPERVISOR_"):
        return "there is no supervisord here: `serve` looks after its processes itself"
    if name.startswith("CUSTOM_FASTAPI_"):
        return _NO_FASTAPI
    if name == LOG_LEVEL and value and level_of(value) is None:
        return f"{value[:40]!r} is no level of Python's logging"
    return _REASONS.get(name)
