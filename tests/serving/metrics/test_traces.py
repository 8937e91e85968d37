"""Spans of invocations, as a collector gets them from a real server."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from contract.errors import SettingsError
from handler.metrics import traces
from handler.metrics.trace_parent import TraceParent, trace_parent
from tests.serving.backend.processes import eventually
from tests.serving.conftest import Tree, running

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
W3C = f"00-{TRACE}-{SPAN}-01"
X_RAY = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN};Sampled=1"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
FOUND = TraceParent(int(TRACE, 16), int(SPAN, 16), True)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({ATTRIBUTES: W3C}, FOUND),
        ({ATTRIBUTES: f"tenant=a,traceparent={W3C},more=1"}, FOUND),
        ({ATTRIBUTES: f"tenant=a; {X_RAY}"}, FOUND),
        ({ATTRIBUTES: X_RAY.replace("d=1", "d=0")}, replace(FOUND, is_sampled=False)),
        ({"traceparent": W3C}, FOUND),
        ({ATTRIBUTES: "tenant=a", "traceparent": W3C}, FOUND),
        ({ATTRIBUTES: f"00-{'0' * 32}-{SPAN}-01"}, None),
        ({ATTRIBUTES: f"00-{TRACE}-{SPAN}-0"}, None),
        ({ATTRIBUTES: f"a{W3C}"}, None),
        ({ATTRIBUTES: f"Root=1-{TRACE[:8]}-{TRACE[8:]}"}, None),
    ],
)  # fmt: skip
def test_the_callers_span_is_found(headers: dict[str, str], found: TraceParent | None) -> None:
    assert trace_parent({name.lower(): value for name, value in headers.items()}) == found


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """What takes spans, as OpenTelemetry's collector does: its address, and the spans that came."""
    spans: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["own", "stock"])
def test_a_collector_gets_the_stages_of_each_invocation(positional: Tree, backend: str) -> None:
    """Under the caller's span, one after the other; under one of ours where there is none."""
    with collector() as (address, spans):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "BYO_BACKEND": backend}
        with running(positional, BYO_TRACES="on", MODEL_SERVER_WORKERS="2", **settings) as server:
            statuses = [
                server.post("2,0\n", **{ATTRIBUTES: f"traceparent={W3C}"}).status,
                server.post("2,0\n").status,
                server.post("no number\n", **{ATTRIBUTES: X_RAY}).status,
            ]
            eventually(lambda: len(spans) == 4 + 5 + 2)

    under_ours = [one for one in spans if one.parent_span_id.hex() == SPAN]
    answered, refused = under_ours[:4], under_ours[4:]
    (own,) = [one for one in spans if one.name == "invocation"]
    assert statuses[:2] == [200, 200]
    assert [one.name for one in answered] == ["queue", "decode", "predict", "encode"]
    assert [one.name for one in refused] == ["queue", "decode"]
    assert {one.trace_id.hex() for one in under_ours} == {TRACE}
    assert all(
        one.end_time_unix_nano == after.start_time_unix_nano for one, after in pairwise(answered)
    )
    children = [one for one in spans if one.parent_span_id == own.span_id]
    assert {one.name for one in children} == {"queue", "decode", "predict", "encode"}
    assert own.start_time_unix_nano <= children[0].start_time_unix_nano
    attributes = {one.key: one.value for one in refused[0].attributes}
    assert attributes["http.response.status_code"].int_value == statuses[2]
    assert attributes["byo.model"].string_value == "model"


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "_MODULES", ("opentelemetry.sdk", "nowhere.at.all"))

    with pytest.raises(SettingsError, match=r"needs nowhere: list opentelemetry-sdk and"):
        traces.require_installed()
