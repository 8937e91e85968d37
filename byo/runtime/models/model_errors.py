"""Why a target model can't answer, and what a client of SageMaker is told then.

ModelUnavailable
├── ModelDataFailed          400  ValidationError, in AWS's words
│   ├── ModelNotFound             there is no such object, or it may not be read
│   └── ModelDataInvalid          it is no archive, or one that is not unpacked
├── ModelNotReady            429  ModelNotReadyException: it is still being loaded
└── ModelLoadFailed          424  ModelError: the container's own status and body
"""

from __future__ import annotations

from byo.command_errors import RunFailed

INSUFFICIENT_STORAGE = 507


class ModelUnavailable(RunFailed):
    """A target model can't answer now."""


class ModelDataFailed(ModelUnavailable):
    """A model's data can't be had, or not be used.

    `cause` is what a client is told; `reason` is what was the matter, for the log.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ModelNotFound(ModelDataFailed):
    """A model is not in the store, or may not be read.

    Args:
        bucket: of S3, or the folder or the server that stands for one.
        key: of the object.
        reason: what the store says.
    """

    def __init__(self, bucket: str, key: str, reason: str) -> None:
        super().__init__(
            f"Failed to download model data (bucket: {bucket}, key: {key}). Please ensure that "
            "there is an object located at the URL and that the role passed to CreateModel has "
            "permissions to download the object.",
            reason,
        )


class ModelDataInvalid(ModelDataFailed):
    """A model's object is no archive that can be unpacked.

    Args:
        url: of the object.
        reason: what is wrong with it.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f'Failed to extract model data archive from URL "{url}": {reason}. Please ensure that '
            "the object located at the URL is a valid tar.gz archive.",
            reason,
        )


class ModelNotReady(ModelUnavailable):
    """A model was not loaded in time; its loading goes on.

    Args:
        target_model: as the client names it.
        seconds: how long the invocation has waited.
    """

    def __init__(self, target_model: str, seconds: float) -> None:
        super().__init__(
            f"Model {target_model} was not ready within {seconds:.3g} s. It is still being "
            "downloaded or loaded; ask again."
        )


class ModelLoadFailed(ModelUnavailable):
    """The container did not load a model.

    Args:
        target_model: as the client names it.
        status: the container's HTTP status; 0 where it did not answer in time.
        body: the container's answer, or what else is the matter.
    """

    def __init__(self, target_model: str, status: int, body: bytes) -> None:
        text = body.decode("utf-8", "replace")
        super().__init__(f"model {target_model} can't be loaded ({status}): {text[:500]}")
        self.status = status
        self.body = body
