"""A model that answers tables with tables, on this machine or in SageMaker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from byo.command_errors import RequestFailed
from byo.endpoint.client import DEFAULT_URL, TIMEOUT_SECONDS, Client
from byo.endpoint.sagemaker_client import SageMakerClient
from byo.endpoint.table_payloads import ACCEPT, decode, encode, natural_content_type

if TYPE_CHECKING:
    import pandas as pd

# What SageMaker takes in one invocation.
MAX_PAYLOAD = 6 * 1024 * 1024


class Endpoint(AbstractContextManager["Endpoint"]):
    """A model behind a URL, or behind the name of a SageMaker endpoint.

    ``Endpoint()`` is the server that ``byo serve`` started; ``Endpoint("http://…")`` any other;
    ``Endpoint("penguins")`` the endpoint of that name in SageMaker, by the AWS tools' usual
    settings.

    Args:
        place: a URL, or a name.
        target_model: the model of a multi-model endpoint that is asked.
        timeout: seconds that one answer may take.
        max_payload: bytes that one invocation may have; larger tables are sent in parts.
        client: a ``boto3.client("sagemaker-runtime")`` to use for a name.

    Raises:
        UsageError: the URL is none.
        MissingPrerequisite: boto3 is needed and not installed.
        EndpointFailed: SageMaker can't be reached as the environment stands.
    """

    def __init__(
        self,
        place: str = DEFAULT_URL,
        *,
        target_model: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        max_payload: int = MAX_PAYLOAD,
        client: Any = None,
    ) -> None:
        self._target_model = target_model
        self._max_payload = max_payload
        self._client: Client | SageMakerClient = (
            Client(place, timeout) if "://" in place else SageMakerClient(place, timeout, client)
        )

    def predict(self, data: Any, *, content_type: str | None = None) -> pd.DataFrame:
        """The predictions for a table, one row for each of its rows.

        Args:
            data: a data frame of shape (rows, columns); or what makes one: an array, a list of
                records or of rows.
            content_type: what to send it as; None for what carries it best: Parquet, or for an
                array NPY.

        Returns:
            A data frame with the index of ``data``. A prediction of one value is the column
            ``prediction``, or what the model calls its output; of several, a column each.

        Raises:
            RequestFailed: an invocation was not answered with predictions, one for each row.
            EndpointFailed: the endpoint can't be reached.
            ValueError: a table is not written as that content type here.
        """
        import pandas as pd

        frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
        kind = content_type or natural_content_type(frame)
        parts = [self._ask(body, kind, rows) for body, rows in self._bodies(frame, kind)]
        predictions = pd.concat(parts, ignore_index=True)
        return predictions.set_axis(frame.index, axis=0)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _bodies(self, frame: pd.DataFrame, content_type: str) -> Iterator[tuple[bytes, int]]:
        """A table as bodies, each with its number of rows, none larger than may be sent."""
        body = encode(frame, content_type)
        if len(body) <= self._max_payload or len(frame) <= 1:
            yield body, len(frame)
            return
        half = len(frame) // 2
        yield from self._bodies(frame.iloc[:half], content_type)
        yield from self._bodies(frame.iloc[half:], content_type)

    def _ask(self, body: bytes, content_type: str, rows: int) -> pd.DataFrame:
        answer = self._client.invoke(body, content_type, ACCEPT, self._target_model)
        answer.require_ok()
        predictions = decode(answer.body, answer.content_type)
        if len(predictions) != rows:
            raise RequestFailed(f"{rows} rows were answered with {len(predictions)} predictions")
        return predictions
