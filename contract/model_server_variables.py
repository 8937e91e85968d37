"""multi-model-server's own ``MMS_…`` variables: which count here, and why the others do not.

Users of other containers set them. Those with a counterpart among the settings are read with it
(contract/settings.py); the frontend itself never sees any, as its configuration is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

PREFIX = "MMS_"
WORKERS = "MMS_DEFAULT_WORKERS_PER_MODEL"
TIMEOUTS = ("MMS_DEFAULT_RESPONSE_TIMEOUT_SECONDS", "MMS_DEFAULT_RESPONSE_TIMEOUT")
QUEUE_SIZE = "MMS_JOB_QUEUE_SIZE"
MAX_REQUEST_SIZE = "MMS_MAX_REQUEST_SIZE"
HONOURED = frozenset({WORKERS, *TIMEOUTS, QUEUE_SIZE, MAX_REQUEST_SIZE})
# What the frontend reads beside them, and must have from its command line alone.
OTHERS_OF_THE_FRONTEND = frozenset(
    {"MODEL_SERVER_HOME", "LOG_LOCATION", "METRICS_LOCATION", "NUM_WORKERS", "PYTHON_EXECUTABLE"}
)
_ADDRESS = "the address is set by BYO_BIND_ADDRESS and SAGEMAKER_BIND_TO_PORT"
_THREADS = "the frontend's threads follow the CPUs that the container may use"
_MODELS = "models are the folder model/ of SAGEMAKER_BASE_DIR, or come by POST /models"
_REASONS = {
    "MMS_CONFIG_FILE": "the configuration is made of the settings: set those in its place",
    "MMS_MAX_RESPONSE_SIZE": "answers may have any size",
    "MMS_INFERENCE_ADDRESS": _ADDRESS,
    "MMS_MANAGEMENT_ADDRESS": _ADDRESS,
    "MMS_NUMBER_OF_NETTY_THREADS": _THREADS,
    "MMS_NETTY_CLIENT_THREADS": _THREADS,
    "MMS_MODEL_STORE": _MODELS,
    "MMS_LOAD_MODELS": _MODELS,
    "MMS_DEFAULT_SERVICE_HANDLER": "a handler is named by MAR-INF/MANIFEST.json, or is "
    "inference.py",
    "MMS_DECODE_INPUT_REQUEST": "bodies reach the handler as it is meant to get them",
    "MMS_PRELOAD_MODEL": "workers of one model share it in any case",
}


def unheeded(environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable that is set and does not count, with the reason."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in HONOURED:
            yield f"{name} is not heeded: {_REASONS.get(name, 'nothing here corresponds to it')}"


def without_them(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which the frontend finds none of them."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(PREFIX) and name not in OTHERS_OF_THE_FRONTEND
    }
