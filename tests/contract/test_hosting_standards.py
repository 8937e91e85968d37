"""The variables of AWS's model-hosting-container-standards that do not count are named."""

from __future__ import annotations

import pytest

from contract.hosting_standards import unheeded


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SUPERVISOR_PROGRAM__APP_STARTSECS", "10", "there is no supervisord here"),
        ("SUPERVISOR_CONFIG_PATH", "/tmp/supervisord.conf", "there is no supervisord here"),
        ("STANDARD_PIP_ARGS", "-r x.txt", "what to install, and from where, are lines of"),
        ("CUSTOM_FASTAPI_PING_HANDLER", "model.py:ping", "requests are answered by"),
        ("CUSTOM_SCRIPT_FILENAME", "model.py", "SAGEMAKER_PROGRAM names"),
        ("CUSTOM_PRE_PROCESS", "model.py:pre", "input_fn of inference.py"),
        ("SAGEMAKER_MODEL_PATH", "/elsewhere", "the model is the folder model/"),
        ("SAGEMAKER_ENABLE_STATEFUL_SESSIONS", "true", "sessions are not kept"),
        ("LOG_LEVEL", "chatty", "'chatty' is no level of Python's logging"),
        ("SAGEMAKER_MODEL_PATH", "/opt/ml/model/", None),
        ("SAGEMAKER_ENABLE_STATEFUL_SESSIONS", "False", None),
        ("LOG_LEVEL", "debug", None),
        ("PROCESS_AUTO_RECOVERY", "false", None),
        ("PROCESS_MAX_START_RETRIES", "3", None),
        ("STANDARD_AUTO_INSTALL_REQ", "false", None),
        ("CUSTOM_SCRIPT_FILENAME", "", None),
        ("PATH", "/bin", None),
    ],
)
def test_what_does_not_count_is_named(name: str, value: str, reason: str | None) -> None:
    lines = list(unheeded({name: value}))

    if reason is None:
        assert lines == []
    else:
        (line,) = lines
        assert line.startswith(f"{name} is not heeded: {reason}")
