"""Spans of invocations for OpenTelemetry: queue, decode, predict and encode.

Made of the times that are noted anyway, once an invocation is answered. They are children of the
caller's span; where the caller tells none, of one that is made for the invocation. Where they go is
configured by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and the like).
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

from contract.errors import SettingsError
from handler.metrics.trace_parent import TraceParent, trace_parent

PACKAGES = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
_MODULES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
# A process may be ended a moment after a stop: what is not sent by then is lost.
_SEND_MILLISECONDS = 1000
_DELAY_VARIABLE = "OTEL_BSP_SCHEDULE_DELAY"
_NANOSECONDS = 1e9
_SERVER_ERROR = 500


class Timed(Protocol):
    """What an invocation knows of its times: see `Invocation`."""

    arrived_at: float
    began_at: float
    decoded_at: float
    predicted_at: float
    ended_at: float


def require_installed() -> None:
    """See that there is what makes and sends spans.

    Raises:
        SettingsError: there is not.
    """
    try:
        missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    except ModuleNotFoundError as error:  # what one of them lies in
        missing = [str(error.name)]
    if missing:
        raise SettingsError(
            f"BYO_TRACES=on needs {', '.join(missing)}: list {' and '.join(PACKAGES)} in "
            "requirements.txt"
        )


class Traces:
    """Makes the spans of one model's invocations.

    Args:
        model: the model's name.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def note(self, timed: Timed, headers: Mapping[str, str], request_id: str, status: int) -> None:
        """Make the spans of an invocation that is answered.

        Args:
            timed: its times.
            headers: its headers, by lower-case name.
            request_id: the frontend's name for it.
            status: what it was answered with.
        """
        from opentelemetry import trace

        tracer = _tracer_of(os.getpid())

        offset = time.time() - time.monotonic()
        attributes = {
            "byo.model": self._model,
            "byo.request_id": request_id,
            "http.response.status_code": status,
        }
        ended_at = timed.ended_at or time.monotonic()
        stages = list(_stages(timed, ended_at))
        parent = trace_parent(headers)
        first = stages[0][1]
        own = None
        if parent is None:
            start = _nanoseconds(first, offset)
            own = tracer.start_span("invocation", start_time=start, attributes=attributes)
            context = trace.set_span_in_context(own)
        else:
            context = trace.set_span_in_context(_remote(parent))
        for name, since, until in stages:
            span = tracer.start_span(
                name, context, start_time=_nanoseconds(since, offset), attributes=attributes
            )
            if status >= _SERVER_ERROR and name == stages[-1][0]:
                span.set_status(trace.StatusCode.ERROR)
            span.end(_nanoseconds(until, offset))
        if own is not None:
            own.end(_nanoseconds(ended_at, offset))


def _stages(timed: Timed, ended_at: float) -> Iterator[tuple[str, float, float]]:
    """Each stage that an invocation came to, and when that was."""
    if timed.arrived_at and timed.arrived_at <= timed.began_at:
        yield "queue", timed.arrived_at, timed.began_at
    yield "decode", timed.began_at, timed.decoded_at or ended_at
    if timed.decoded_at:
        yield "predict", timed.decoded_at, timed.predicted_at or ended_at
    if timed.predicted_at:
        yield "encode", timed.predicted_at, ended_at


@lru_cache(maxsize=1)
def _tracer_of(_pid: int) -> Any:
    """That of this process: what sends is a thread, which no fork takes along."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "byo")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    delay = None if _DELAY_VARIABLE in os.environ else _SEND_MILLISECONDS
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=delay))
    return provider.get_tracer("byo")


def _remote(parent: TraceParent) -> Any:
    from opentelemetry import trace

    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if parent.is_sampled else 0)
    known = trace.SpanContext(parent.trace, parent.span, is_remote=True, trace_flags=flags)
    return trace.NonRecordingSpan(known)


def _nanoseconds(moment: float, offset: float) -> int:
    return int((moment + offset) * _NANOSECONDS)
