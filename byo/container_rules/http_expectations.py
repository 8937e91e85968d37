"""What can be expected of any answer: its status, time, size, type and message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byo.body_values.read_values import essence
from byo.container_rules.bodies import replaced
from byo.container_rules.exchange import Answer
from byo.container_rules.scene import Expectation, Miss, Scene

TRACEBACK = b"Traceback (most recent call last)"


def is_one_of(status: int, patterns: Sequence[str]) -> bool:
    """Whether a status is among those meant by patterns such as 404 and 4xx."""
    return any(str(status) == each or f"{status // 100}xx" == each for each in patterns)


def _status(answer: Answer, wanted: Sequence[str], _: Scene) -> Miss | None:
    if is_one_of(answer.status, wanted):
        return None
    return Miss(f"status {' or '.join(wanted)}", str(answer))


def _not_status(answer: Answer, unwanted: Sequence[str], _: Scene) -> Miss | None:
    if not is_one_of(answer.status, unwanted):
        return None
    return Miss(f"any status but {', '.join(unwanted)}", str(answer))


def _within(answer: Answer, seconds: float, _: Scene) -> Miss | None:
    took = answer.seconds + (answer.connect_seconds or 0.0)
    return None if took <= seconds else Miss(f"within {seconds:g} s", f"after {took:.2f} s")


def _connects_within(answer: Answer, seconds: float, _: Scene) -> Miss | None:
    took = answer.connect_seconds or 0.0
    if took <= seconds:
        return None
    return Miss(f"a connection within {seconds:g} s", f"one after {took:.3f} s")


def _at_most_bytes(answer: Answer, most: int, _: Scene) -> Miss | None:
    size = len(answer.body)
    return None if size <= most else Miss(f"a body of at most {most} bytes", f"{size} bytes")


def _message(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    """A body that a person can read."""
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        return Miss("a message in UTF-8", f"{answer.status} with {answer.body[:40]!r}")
    return None if text.strip() else Miss("a message", f"{answer.status} without a body")


def _no_traceback(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    if TRACEBACK not in answer.body:
        return None
    last = answer.body.decode(errors="replace").strip().splitlines()[-1]
    return Miss("no traceback in the body", f"{answer.status} with one, which ends in {last[:80]}")


def _not_empty(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    return None if answer.body.strip() else Miss("a body", f"{answer.status} without one")


def _content_type(answer: Answer, wanted: Sequence[str], scene: Scene) -> Miss | None:
    types = [essence(replaced(each, scene.variables)) for each in wanted]
    if not answer.ok or essence(answer.content_type) in types:
        return None
    came = answer.content_type or "no Content-Type"
    return Miss(f"Content-Type {' or '.join(types)}", f"{answer.status} with {came}")


def _fits_accept(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    """An answer with a prediction is of the type that was asked for; others are free."""
    accept = answer.request.headers.get("Accept", "*/*")
    if not answer.ok:
        return None
    came = essence(answer.content_type)
    ranges = [essence(each) for each in accept.split(",")]
    fits = any(each in ("*/*", came) or each == f"{came.partition('/')[0]}/*" for each in ranges)
    if came and fits:
        return None
    return Miss(
        f"Content-Type {accept}", f"{answer.status} with {answer.content_type or 'no Content-Type'}"
    )


def _kept(answer: Answer, _wanted: bool, _: Scene) -> Miss | None:
    return None if answer.kept else Miss("a connection that is kept", "one that was closed")


HTTP_EXPECTATIONS: Mapping[str, Expectation] = {
    "status": _status,
    "not_status": _not_status,
    "within": _within,
    "connects_within": _connects_within,
    "at_most_bytes": _at_most_bytes,
    "message": _message,
    "no_traceback": _no_traceback,
    "not_empty": _not_empty,
    "content_type": _content_type,
    "fits_accept": _fits_accept,
    "kept": _kept,
}
