"""Which span of the caller's an invocation belongs to, read from its headers.

SageMaker passes no header of a caller on but a few of its own, so the context of a trace travels in
Custom-Attributes: as W3C's `traceparent` or as X-Ray writes it, alone or among other attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
# Where nothing stands between the caller and this server.
TRACEPARENT = "traceparent"

_W3C = re.compile(
    r"(?<![0-9a-f])00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?![0-9a-f])"
)
_X_RAY = re.compile(r"Root=1-(?P<first>[0-9a-f]{8})-(?P<rest>[0-9a-f]{24})")
_X_RAY_PARENT = re.compile(r"Parent=(?P<span>[0-9a-f]{16})")
_X_RAY_SAMPLED = re.compile(r"Sampled=1")


@dataclass(frozen=True)
class TraceParent:
    """A span of the caller's.

    Args:
        trace: its trace.
        span: the span itself.
        is_sampled: whether the caller keeps the trace.
    """

    trace: int
    span: int
    is_sampled: bool


def trace_parent(headers: Mapping[str, str]) -> TraceParent | None:
    """The caller's span; None where no header tells one.

    Args:
        headers: a request's, by lower-case name.
    """
    for name in (CUSTOM_ATTRIBUTES, TRACEPARENT):
        text = headers.get(name, "")
        found = _w3c(text) or _x_ray(text) if text else None
        if found is not None and found.trace and found.span:
            return found
    return None


def _w3c(text: str) -> TraceParent | None:
    match = _W3C.search(text)
    if match is None:
        return None
    is_sampled = bool(int(match["flags"], 16) & 1)
    return TraceParent(int(match["trace"], 16), int(match["span"], 16), is_sampled)


def _x_ray(text: str) -> TraceParent | None:
    root, parent = _X_RAY.search(text), _X_RAY_PARENT.search(text)
    if root is None or parent is None:
        return None
    trace = int(root["first"] + root["rest"], 16)
    return TraceParent(trace, int(parent["span"], 16), bool(_X_RAY_SAMPLED.search(text)))
