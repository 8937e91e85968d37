"""SageMaker's requests to a container that has many models: LOAD, UNLOAD, GET."""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Protocol

from byo.runtime.models.cache_metrics import CacheMetrics
from byo.runtime.models.model_errors import INSUFFICIENT_STORAGE
from byo.served_container import Answer, ContainerUnreachable, Headers

log = logging.getLogger(__name__)

# What the platform waits at most until a model is downloaded and loaded: AWS's own number.
LOAD_SECONDS = 360.0
UNLOAD_SECONDS = 60.0
GET_SECONDS = 10.0
NOT_FOUND, CONFLICT, UNAVAILABLE = 404, 409, 503
JSON = (b"content-type", b"application/json")
TARGET_MODEL = b"x-amzn-sagemaker-target-model"


class Requests(Protocol):
    """What sends requests to the container: `byo.served_container.Connections`."""

    async def request(
        self, method: str, path: str, headers: Headers = (), body: bytes = b"", *, timeout: float
    ) -> Answer: ...


class ContainerModels:
    """The models of a container.

    Args:
        connections: to the container.
        metrics: what LOAD and UNLOAD take is noted there.
    """

    def __init__(self, connections: Requests, metrics: CacheMetrics) -> None:
        self.connections = connections
        self._metrics = metrics

    async def load(self, name: str, url: str, target_model: str, seconds: float) -> Answer:
        """Have a model loaded; the container's answer, whatever it is.

        Args:
            name: what the container is to know it by.
            url: its folder, as the container sees it.
            target_model: as clients name it.
            seconds: how long it may take.

        Raises:
            TimeoutError: it was not answered in time.
            ContainerUnreachable: the container can't be reached, or broke off.
        """
        body = json.dumps({"model_name": name, "url": url}).encode()
        headers = (JSON, (TARGET_MODEL, target_model.encode("utf-8", "replace")))
        began = time.perf_counter()
        answer = await self.connections.request("POST", "/models", headers, body, timeout=seconds)
        if answer.status < 300:
            self._metrics.loading(time.perf_counter() - began)
        return answer

    async def unload(self, name: str, *, wanted: bool = True) -> None:
        """Have a model unloaded; what does not work is logged.

        A model that the container goes on holding in spite of that is found by the next LOAD of it,
        which is answered with 409, and its memory by a 507.

        Args:
            name: what the container knows it by.
            wanted: whether it is loaded, as far as is known; else this is to make sure.
        """
        began = time.perf_counter()
        try:
            answer = await self.connections.request(
                "DELETE", f"/models/{name}", timeout=UNLOAD_SECONDS
            )
        except (ContainerUnreachable, TimeoutError) as error:
            log.warning("model %s was not unloaded: %s", name, str(error) or "no answer in time")
            return
        if answer.status < 300:
            self._metrics.unloading(time.perf_counter() - began)
        elif wanted and answer.status != NOT_FOUND:
            log.warning("UNLOAD of model %s is answered with %d", name, answer.status)

    async def memory(self, name: str) -> int | None:
        """The bytes of memory that a model takes; None where the container does not tell."""
        try:
            answer = await self.connections.request("GET", f"/models/{name}", timeout=GET_SECONDS)
        except (ContainerUnreachable, TimeoutError):
            return None
        size = _document(answer).get("memoryBytes") if answer.status == 200 else None
        return size if isinstance(size, int) and size > 0 else None

    async def has(self, name: str) -> bool:
        """Whether a model is loaded.

        Raises:
            TimeoutError: there was no answer in time.
            ContainerUnreachable: the container can't be reached, or broke off.
        """
        answer = await self.connections.request("GET", f"/models/{name}", timeout=GET_SECONDS)
        return answer.status != NOT_FOUND


def bytes_wanted(answer: Answer) -> int | None:
    """How much has to be freed for a model that was refused for lack of memory.

    None where the container does not say: only the answers of this project's own server do.
    """
    document = _document(answer)
    needed, free = document.get("needed"), document.get("free")
    if answer.status == INSUFFICIENT_STORAGE and isinstance(needed, int) and isinstance(free, int):
        return max(1, needed - free)
    return None


def _document(answer: Answer) -> dict[str, Any]:
    """A JSON object, or the first of a list of such, as multi-model-server answers a GET."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return {}
    if isinstance(document, list) and document:
        document = document[0]
    return document if isinstance(document, dict) else {}
