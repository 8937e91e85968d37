"""The bodies that rules send, made of the payload that is known to be answered.

In a rule's file a body is one of the names of ``NAMED``, or a table with one member:

    { text = "…" }      the text, names in braces replaced
    { json = {…} }      the same as JSON
    { filled = {…} }    the payload's records, repeated until there are exactly so many bytes: a
                        number for each mode
    { answer = "…" }    the body of the answer that an earlier step remembered
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from byo.body_values.read_values import essence
from byo.container_rules.container import LINES, Container
from byo.container_rules.exchange import Answer
from byo.content_types import CSV, JSON

# Not text in UTF-8, a quote that is not closed, another number of cells than the line before.
BROKEN_LINES = b'1,2\n"\xff\xfe,3,4,5,6,7,8,9\n'
BROKEN_JSON = b'{"instances": [[1, 2'


class NotApplicable(Exception):
    """A rule can't be tried on this container or payload; the text says why."""


def body_of(
    spec: Any,
    container: Container,
    record: bytes,
    variables: Mapping[str, str],
    remembered: Mapping[str, list[Answer]],
) -> bytes:
    """A body.

    Args:
        spec: what a rule's file says.
        container: whose payload to use.
        record: the record that it is the turn of, to go under the payload's header; empty for none.
        variables: what names in braces stand for.
        remembered: answers by the name they were remembered by.

    Raises:
        NotApplicable: it can't be made of this payload.
    """
    if spec is None:
        return b""
    if isinstance(spec, str):
        return container.header() + record if spec == "record" else NAMED[spec](container)
    ((kind, what),) = spec.items()
    if kind == "filled":
        return filled(container, int(what[container.mode]))
    if kind == "answer":
        return remembered[what][0].body
    if kind == "json":
        return json.dumps({name: replaced(each, variables) for name, each in what.items()}).encode()
    return replaced(what, variables).encode()


def replaced(text: str, variables: Mapping[str, str]) -> str:
    """A text with each known name in braces replaced; other braces stay."""
    for name, value in variables.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def lines(container: Container) -> bytes:
    """The payload's records, under its header where it has one."""
    return container.header() + b"".join(container.records())


def malformed(container: Container) -> bytes:
    """What can't be read as the payload's content type."""
    kind = essence(container.content_type)
    if kind == CSV or kind == "text/libsvm":
        return BROKEN_LINES
    if kind == JSON or kind in LINES:
        return BROKEN_JSON
    payload = container.payload or b""
    return payload[: len(payload) // 2]


def filled(container: Container, size: int) -> bytes:
    """A body of exactly so many bytes that holds nothing but the payload's records.

    JSON is filled with blanks, since what repeats a document is none.

    Raises:
        NotApplicable: the content type can't be filled.
    """
    kind, payload = essence(container.content_type), container.payload or b""
    if kind == JSON:
        return payload.rjust(size)
    if kind not in LINES:
        raise NotApplicable(f"a body of exactly {size} bytes can't be made of {kind}")
    header, records = container.header(), container.records()
    block = b"".join(records)
    body = header + block * ((size - len(header)) // len(block))
    while len(body) + len(records[0]) <= size:
        body += records[0]
    return body + b"\n" * (size - len(body))


def with_a_broken_record(container: Container) -> bytes:
    """The payload's records, with one in the middle that has nothing of a record."""
    records = container.records()
    middle = len(records) // 2
    broken = b"".join([*records[:middle], b'"not a record\n', *records[middle:]])
    return container.header() + broken


def with_a_header(container: Container) -> bytes:
    """The payload's records under a line of names: the payload's own, or made up."""
    header = container.header()
    if not header:
        if essence(container.content_type) != CSV:
            raise NotApplicable(f"{container.content_type} has no header line")
        cells = container.records()[0].count(b",") + 1
        header = ",".join(f"column_{at}" for at in range(cells)).encode() + b"\n"
    return header + b"".join(container.records())


NAMED: dict[str, Callable[[Container], bytes]] = {
    "payload": lambda container: container.payload or b"",
    "lines": lines,
    "lines without the header": lambda container: b"".join(container.records()),
    "lines without the last newline": lambda container: lines(container)[:-1],
    "lines with a broken one": with_a_broken_record,
    "lines with a header": with_a_header,
    "malformed": malformed,
}
