"""The settings: names that SageMaker's users know, and errors that name the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.body_limits import BodyLimits
from contract.errors import SettingsError
from contract.machine import MEBIBYTE
from contract.settings import ServingSettings, TrainingSettings


@pytest.mark.parametrize(
    ("environ", "attribute", "value"),
    [
        ({}, "port", 8080),
        ({}, "timeout", 60),
        ({}, "default_accept", "application/json"),
        ({"SAGEMAKER_BIND_TO_PORT": "9001"}, "port", 9001),
        ({"SAGEMAKER_BIND_TO_PORT": ""}, "port", 8080),
        ({"MODEL_SERVER_WORKERS": "3"}, "workers", 3),
        ({"MODEL_SERVER_WORKERS": "3", "SAGEMAKER_MODEL_SERVER_WORKERS": "5"}, "workers", 5),
        ({"MODEL_SERVER_WORKERS": "3", "SAGEMAKER_NUM_MODEL_WORKERS": "4"}, "workers", 4),
        ({}, "backend", "own"),
        ({"BYO_BACKEND": "Stock"}, "backend", "stock"),
        ({}, "fast_predictions", True),
        ({"BYO_FAST_PREDICTIONS": "off"}, "fast_predictions", False),
        ({}, "metrics", True),
        ({"BYO_METRICS": "OFF"}, "metrics", False),
        ({"BYO_METRICS_MODELS": "0"}, "metrics_models", 0),
        ({}, "metrics_emf", 0),
        ({"BYO_METRICS_EMF": "60"}, "metrics_emf", 60),
        ({}, "traces", False),
        ({"BYO_TRACES": "on"}, "traces", True),
        ({}, "inference_output", ()),
        (
            {"SAGEMAKER_INFERENCE_OUTPUT": "Predicted_Label, probability"},
            "inference_output",
            ("predicted_label", "probability"),
        ),
        ({}, "model_pins", "check"),
        ({"BYO_MODEL_PINS": "Require"}, "model_pins", "require"),
        ({}, "model_key", None),
        ({"BYO_MODEL_KEY": "/opt/key.pub"}, "model_key", Path("/opt/key.pub")),
        ({}, "model_formats", ("joblib", "pickle", "skops")),
        ({"BYO_MODEL_FORMATS": "skops, Joblib,skops"}, "model_formats", ("skops", "joblib")),
        ({"BYO_SKOPS_TRUSTED": " a.B, c.D ,"}, "skops_trusted", ("a.B", "c.D")),
        ({"BYO_HIDE_CREDENTIALS": "1"}, "hide_credentials", True),
        ({}, "run_as_root", "auto"),
        ({"BYO_RUN_AS_ROOT": "True"}, "run_as_root", "true"),
        ({}, "reload", False),
        ({"BYO_RELOAD": "true"}, "reload", True),
        ({"MODEL_SERVER_TIMEOUT": "7"}, "timeout", 7),
        ({"MODEL_SERVER_TIMEOUT": "7", "SAGEMAKER_MODEL_SERVER_TIMEOUT": "8"}, "timeout", 8),
        (
            {
                "SAGEMAKER_MODEL_SERVER_TIMEOUT": "8",
                "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "9",
            },
            "timeout",
            9,
        ),
        ({"SAGEMAKER_MULTI_MODEL": "true"}, "multi_model", True),
        ({"SAGEMAKER_MULTI_MODEL": "True"}, "multi_model", True),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}, "max_payload", 6 * MEBIBYTE),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, "max_payload", 2**31 - 1),
        ({"SAGEMAKER_SAFE_PORT_RANGE": "10000-10999"}, "safe_port_range", (10000, 10999)),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/code"}, "submit_dir", Path("/opt/ml/code")),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/code.tar.gz"}, "submit_dir", None),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}, "default_accept", "text/csv"),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "10"}, "log_level", 10),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": '"30"'}, "log_level", 30),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "info"}, "log_level", 20),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "'WARN'"}, "log_level", 30),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": '""'}, "log_level", 20),
        ({"LOG_LEVEL": "warn"}, "log_level", 30),
        ({"LOG_LEVEL": "warn", "SAGEMAKER_CONTAINER_LOG_LEVEL": "10"}, "log_level", 10),
        ({"LOG_LEVEL": "chatty"}, "log_level", 20),
        ({}, "log_format", "text"),
        ({"BYO_LOG_FORMAT": "JSON"}, "log_format", "json"),
        ({"BYO_LOG_FORMAT": "auto"}, "log_format", "auto"),
        ({"STANDARD_AUTO_INSTALL_REQ": "False"}, "installs_requirements", False),
        ({"PROCESS_AUTO_RECOVERY": "no"}, "recovers", False),
        ({"PROCESS_AUTO_RECOVERY": "on"}, "recovers", True),
        ({"PROCESS_MAX_START_RETRIES": "0"}, "start_retries", 0),
        ({"MMS_DEFAULT_WORKERS_PER_MODEL": "3"}, "workers", 3),
        ({"MMS_DEFAULT_WORKERS_PER_MODEL": "3", "MODEL_SERVER_WORKERS": "2"}, "workers", 2),
        ({"MMS_JOB_QUEUE_SIZE": "5"}, "queue_size", 5),
        ({"MMS_MAX_REQUEST_SIZE": "1000"}, "max_payload", 1000),
        (
            {"MMS_MAX_REQUEST_SIZE": "1000", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1"},
            "max_payload",
            MEBIBYTE,
        ),
        ({"MMS_DEFAULT_RESPONSE_TIMEOUT": "7"}, "timeout", 7),
    ],
)
def test_reads_known_names(environ: dict[str, str], attribute: str, value: object) -> None:
    """Each variable that users of SageMaker and of the classic container set is understood."""
    assert getattr(ServingSettings.from_environ(environ), attribute) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "http"),
        ("SAGEMAKER_BIND_TO_PORT", "0"),
        ("SAGEMAKER_BIND_TO_PORT", "32767"),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", "0"),
        ("BYO_BACKEND", "gunicorn"),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", "loud"),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", '"51"'),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", "-1"),
        ("SAGEMAKER_CONTAINER_LOG_LEVEL", "2.5"),
        ("BYO_LOG_FORMAT", "xml"),
        ("STANDARD_AUTO_INSTALL_REQ", "perhaps"),
        ("PROCESS_AUTO_RECOVERY", "2"),
        ("PROCESS_MAX_START_RETRIES", "101"),
        ("MMS_JOB_QUEUE_SIZE", "many"),
        ("BYO_FAST_PREDICTIONS", "very"),
        ("BYO_METRICS", "some"),
        ("BYO_METRICS_MODELS", "all"),
        ("SAGEMAKER_INFERENCE_OUTPUT", "label"),
        ("SAGEMAKER_INFERENCE_OUTPUT", "probability,labels"),
        ("SAGEMAKER_INFERENCE_OUTPUT", "probability,probability"),
        ("SAGEMAKER_INFERENCE_OUTPUT", "probability,"),
        ("BYO_RELOAD", "often"),
        ("MODEL_SERVER_TIMEOUT", "1.5"),
        ("SAGEMAKER_MULTI_MODEL", "perhaps"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "10000"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "2000-1000"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "-1"),
    ],
)
def test_names_the_variable_that_is_wrong(name: str, value: str) -> None:
    """A value that can't be used is refused by its variable's name."""
    with pytest.raises(SettingsError, match=name):
        ServingSettings.from_environ({name: value})


def test_code_is_looked_for_in_sagemakers_order() -> None:
    """The model's own code first, then what was submitted, the model's folder, the algorithm."""
    settings = ServingSettings.from_environ(
        {"SAGEMAKER_SUBMIT_DIRECTORY": "/submitted", "BYO_ALGORITHM_DIR": "/baked"}
    )

    assert settings.code_directories(Path("/m")) == [
        Path("/m/code"),
        Path("/submitted"),
        Path("/m"),
        Path("/baked"),
    ]


def test_base_dir_moves_everything() -> None:
    """SAGEMAKER_BASE_DIR stands in for /opt/ml, for both halves."""
    environ = {"SAGEMAKER_BASE_DIR": "/scratch/ml"}

    assert ServingSettings.from_environ(environ).paths.model == Path("/scratch/ml/model")
    assert TrainingSettings.from_environ(environ).paths.failure == Path(
        "/scratch/ml/output/failure"
    )


def test_what_a_body_may_hold_is_set_by_the_environment() -> None:
    """Each limit has a variable of its own; what is not set is as by default."""
    environ = {"BYO_MAX_ROWS": "7", "BYO_MAX_CELL_IN_MB": "2", "BYO_MAX_NESTING": "9"}

    limits = ServingSettings.from_environ(environ).body_limits

    assert limits == BodyLimits(rows=7, cell=2 * MEBIBYTE, nesting=9)
    with pytest.raises(SettingsError, match="BYO_MAX_COLUMNS"):
        ServingSettings.from_environ({"BYO_MAX_COLUMNS": "0"})
