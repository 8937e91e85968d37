"""Invocations of an endpoint in SageMaker, by its name, through boto3."""

from __future__ import annotations

from typing import Any

from byo.command_errors import EndpointFailed, MissingPrerequisite, RequestFailed
from byo.endpoint.client import Response


class SageMakerClient:
    """Requests to one endpoint of SageMaker's Runtime.

    The region, the credentials and the address are those of the AWS tools: ``AWS_REGION``,
    ``AWS_PROFILE``, ``AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`` and so on.

    Args:
        name: the endpoint's name.
        timeout: seconds that one answer may take.
        client: a ``boto3.client("sagemaker-runtime")`` to use instead of one made here.

    Raises:
        MissingPrerequisite: boto3 is not installed.
        EndpointFailed: there is no region, or no credentials.
    """

    def __init__(self, name: str, timeout: float, client: Any = None) -> None:
        self.name = name
        self._client = client or _make_client(timeout)

    def invoke(
        self,
        body: bytes,
        content_type: str,
        accept: str | None = None,
        target_model: str | None = None,
    ) -> Response:
        """Send one invocation.

        Returns:
            The container's answer, an error of its own included.

        Raises:
            EndpointFailed: SageMaker can't be reached.
            RequestFailed: SageMaker itself refuses the invocation.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        given = {"Accept": accept, "TargetModel": target_model}
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self.name,
                Body=body,
                ContentType=content_type,
                **{name: value for name, value in given.items() if value},
            )
            return Response(200, answer.get("ContentType") or "", answer["Body"].read())
        except ClientError as error:
            if "OriginalStatusCode" in error.response:
                message = str(error.response.get("OriginalMessage") or "")
                return Response(int(error.response["OriginalStatusCode"]), "", message.encode())
            raise RequestFailed(f"endpoint {self.name}: {error}") from None
        except BotoCoreError as error:
            raise EndpointFailed(f"endpoint {self.name} can't be reached: {error}") from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _make_client(timeout: float) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise MissingPrerequisite("boto3 is not installed", "pip install boto3") from None
    try:
        return boto3.client("sagemaker-runtime", config=Config(read_timeout=timeout))
    except BotoCoreError as error:
        raise EndpointFailed(f"SageMaker can't be reached: {error}") from None
