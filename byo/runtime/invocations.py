"""What all operations share: from an endpoint's name to a container's answer or an error."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from byo.objects import ObjectsFailed
from byo.runtime.calls import Call
from byo.runtime.configuration import RuntimeSettings
from byo.runtime.endpoint import Endpoint
from byo.runtime.instance import Instance
from byo.runtime.models import ModelDataFailed, ModelLoadFailed, ModelNotReady, ModelUnavailable
from byo.runtime.runtime_metrics import RuntimeMetrics
from byo.runtime.variant import Variant
from byo.runtime.wire_errors import (
    TIMED_OUT,
    InternalDependencyException,
    ModelError,
    ModelNotReadyException,
    RuntimeFault,
    ValidationError,
)
from byo.runtime.wire_fields import CLOSED_SESSION_ID, NEW_SESSION_ID
from byo.served_container import Answer, ContainerUnreachable, Headers
from byo.served_container.kept_connection import first_value

log = logging.getLogger(__name__)
VARIANT_HEADER = b"x-amzn-invoked-production-variant"


@dataclass(frozen=True)
class RuntimeState:
    """What a Runtime is made of.

    Args:
        endpoints: by their names.
        settings: the same for all.
        metrics: of all.
    """

    endpoints: Mapping[str, Endpoint]
    settings: RuntimeSettings
    metrics: RuntimeMetrics

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint that can be invoked.

        Raises:
            ValidationError: there is none of that name, or it is still being created.
        """
        endpoint = self.endpoints.get(name)
        if endpoint is None or not endpoint.ready:
            account = self.settings.place.account
            raise ValidationError(f"Endpoint {name} of account {account} not found.")
        return endpoint


def check_target(endpoint: Endpoint, variant: Variant, given: dict[str, str], call: Call) -> None:
    """Make sure that a request asks for nothing that its endpoint does not have.

    Raises:
        ValidationError: it does.
    """
    target = given.get("TargetModel")
    if target is not None and not variant.configuration.multi_model:
        raise ValidationError(
            f"Endpoint {endpoint.name} is not a multi-model endpoint and does not support target "
            "model header.",
            "TARGET_MODEL_HEADER_NOT_SUPPORTED",
        )
    if target is None and variant.configuration.multi_model:
        raise ValidationError(
            f"Request {call.request_id} is missing a target model header for endpoint "
            f"{endpoint.name}, which is a multi-model endpoint."
        )
    for member, what in (
        ("TargetContainerHostname", "several containers of which one could be named"),
        ("InferenceComponentName", "inference components"),
        ("EnableExplanations", "an explainer"),
    ):
        if member in given:
            raise ValidationError(
                f"Endpoint {endpoint.name} does not have {what}, so {member} can't be used."
            )


def note_sessions(
    endpoint: Endpoint, variant: Variant, instance: Instance, headers: Headers
) -> None:
    """Note what a container's answer says of sessions."""
    new = first_value(headers, NEW_SESSION_ID)
    if new is not None:
        endpoint.sessions.began(new, variant, instance)
    closed = first_value(headers, CLOSED_SESSION_ID)
    if closed is not None:
        endpoint.sessions.closed(closed)


async def ask(
    state: RuntimeState,
    endpoint: Endpoint,
    variant: Variant,
    given: dict[str, str],
    headers: Headers,
    body: bytes,
    *,
    started: float,
    timeout: float,
) -> tuple[Answer, Instance]:
    """Have a variant's container answer, and count it.

    Args:
        state: of the Runtime.
        endpoint: that is invoked.
        variant: of it, whose container answers.
        given: the request's fields.
        headers: for the container.
        body: for the container.
        started: when the request arrived, in seconds of ``time.perf_counter``.
        timeout: seconds until it must be answered.

    Returns:
        An answer of 2xx, and whose it is.

    Raises:
        ModelError: the container answered with something else, not in time, or broke off.
        RuntimeFault: the request did not get to a container.
    """
    sent = time.perf_counter()
    status = 0
    try:
        answer, instance = await variant.invoke(given.get("TargetModel"), headers, body, timeout)
        status = answer.status
    except TimeoutError:
        raise ModelError(endpoint.name, state.settings.place, 0, TIMED_OUT) from None
    except (ModelUnavailable, ObjectsFailed) as error:
        raise target_model_error(state, endpoint, error) from None
    except ContainerUnreachable as error:
        message = broken_off(endpoint, variant, error)
        raise ModelError(endpoint.name, state.settings.place, 0, message) from None
    finally:
        ended = time.perf_counter()
        variant.metrics.answered(status, ended - sent, ended - started)
    if not 200 <= status < 300:
        raise container_error(state, endpoint, answer)
    return answer, instance


def target_model_error(
    state: RuntimeState, endpoint: Endpoint, error: ModelUnavailable | ObjectsFailed
) -> RuntimeFault:
    """What a client is told where one of many models can't answer."""
    if isinstance(error, ModelNotReady):
        return ModelNotReadyException(error.cause)
    if isinstance(error, ModelDataFailed):
        log.warning("endpoint %s: %s", endpoint.name, error.reason)
        return ValidationError(error.cause)
    if isinstance(error, ModelLoadFailed):
        text = error.body.decode("utf-8", "replace")
        return ModelError(endpoint.name, state.settings.place, error.status, text)
    return InternalDependencyException(error.cause)


def broken_off(endpoint: Endpoint, variant: Variant, error: ContainerUnreachable) -> str:
    """What a client is told where the container gave no whole answer; the log has it too."""
    log.warning("endpoint %s, variant %s: %s", endpoint.name, variant.name, error.cause)
    return f"The container gave no whole answer: {error.cause}"


def container_error(state: RuntimeState, endpoint: Endpoint, answer: Answer) -> ModelError:
    """The error that a container's answer becomes."""
    text = answer.body.decode("utf-8", "replace")
    return ModelError(endpoint.name, state.settings.place, answer.status, text)
