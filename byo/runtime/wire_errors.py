"""What the Runtime answers in place of a prediction, each with its HTTP status and its body.

    RuntimeFault
    ├── ValidationError              400
    ├── BodyTooLarge                 413   in plain text
    ├── ModelError                   424   the container answered with 4xx or 5xx, or not at all
    ├── ModelNotReadyException       429
    ├── InternalFailure              500
    ├── ServiceUnavailable           503
    └── InternalDependencyException  530

A client of AWS tells them apart by the header ``x-amzn-errortype``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from contract.errors import ByoError

JSON = (b"content-type", b"application/json")
# Where no account and no region is known.
ACCOUNT = "000000000000"
REGION = "us-east-1"
# What SageMaker calls the one container of a model that has one.
CONTAINER = "primary"
# The service model's limit of a Message.
LONGEST_MESSAGE = 2048
MEGABYTE = 1024 * 1024
TIMED_OUT = (
    f"Your invocation timed out while waiting for a response from container {CONTAINER}. Review "
    "the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


class RuntimeFault(ByoError):
    """An error that a client of the Runtime gets; the text is its ``Message``."""

    status = 500

    def members(self) -> dict[str, Any]:
        """The members of the body."""
        return {"Message": str(self)[:LONGEST_MESSAGE]}

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of the answer."""
        return JSON, (b"x-amzn-errortype", type(self).__name__.encode())

    def body(self) -> bytes:
        """The body of the answer."""
        return json.dumps(self.members()).encode()


class ValidationError(RuntimeFault):
    """The request can't be served as it is.

    Args:
        message: what is wrong.
        code: AWS's own code, where there is one: ``TARGET_MODEL_HEADER_NOT_SUPPORTED``.
    """

    status = 400

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self._code = code

    def members(self) -> dict[str, Any]:
        return {**({"ErrorCode": self._code} if self._code else {}), **super().members()}


class BodyTooLarge(RuntimeFault):
    """The body is larger than an invocation's may be."""

    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            f"HTTP content length exceeded {most} bytes. AWS documents 6 MB for an invocation; "
            "`byo endpoint up --max-body MB` sets another limit here."
        )

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"content-type", b"text/plain"),)

    def body(self) -> bytes:
        return str(self).encode()


class ModelNotReadyException(RuntimeFault):
    """A model of many is still being loaded; the client asks again later."""

    status = 429


class InternalFailure(RuntimeFault):
    """A fault of the Runtime itself; its log has the traceback."""

    status = 500


class ServiceUnavailable(RuntimeFault):
    """There is no container that could answer now."""

    status = 503


class InternalDependencyException(RuntimeFault):
    """What the Runtime itself needs does not work: the models' store can't be reached."""

    status = 530


@dataclass(frozen=True, slots=True)
class Place:
    """Where an endpoint is said to be, for messages and names of resources.

    Args:
        region: AWS's region.
        account: AWS's account.
    """

    region: str = REGION
    account: str = ACCOUNT

    def endpoint_arn(self, name: str) -> str:
        return f"arn:aws:sagemaker:{self.region}:{self.account}:endpoint/{name.lower()}"

    def log_arn(self, name: str) -> str:
        group = f"log-group:/aws/sagemaker/Endpoints/{name}"
        return f"arn:aws:logs:{self.region}:{self.account}:{group}"

    def log_advice(self, name: str) -> str:
        """Where AWS says to look, in its own words."""
        console = f"https://{self.region}.console.aws.amazon.com/cloudwatch/home"
        group = f"region={self.region}#logEventViewer:group=/aws/sagemaker/Endpoints/{name}"
        return f"See {console}?{group} in account {self.account} for more information."


class ModelError(RuntimeFault):
    """The container did not answer with 2xx.

    Args:
        endpoint: the endpoint's name.
        place: where it is said to be.
        original_status: the container's status; 0 where there was no whole answer.
        original_message: the container's body, or what was the matter.
    """

    status = 424

    def __init__(
        self, endpoint: str, place: Place, original_status: int, original_message: str
    ) -> None:
        side = "client" if 400 <= original_status < 500 else "server"
        self._endpoint = endpoint
        self._place = place
        self.original_status = original_status
        self._original_message = original_message[:LONGEST_MESSAGE]
        advice = place.log_advice(endpoint)
        start = f"Received {side} error ({original_status}) from {CONTAINER} with message "
        room = LONGEST_MESSAGE - len(start) - len(advice) - 4
        super().__init__(f'{start}"{original_message[:room]}". {advice}')

    def members(self) -> dict[str, Any]:
        status = self.original_status
        return {
            **({"ErrorCode": "CLIENT_ERROR_FROM_MODEL"} if 400 <= status < 500 else {}),
            "LogStreamArn": self._place.log_arn(self._endpoint),
            **super().members(),
            "OriginalMessage": self._original_message,
            "OriginalStatusCode": status,
        }
