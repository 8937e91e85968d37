"""The headers of each operation, with the limits that SageMaker's service model gives them.

Its source is botocore's ``data/sagemaker-runtime/2017-05-13/service-2.json``; a test holds each
line against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from byo.runtime.wire_errors import ValidationError
from byo.served_container import Headers

PREFIX = "X-Amzn-SageMaker-"
NEW_SESSION = "NEW_SESSION"

_NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*"
_PRINTABLE = r"\A\S[\p{Print}]*\z"
_ASCII = r"\p{ASCII}*"
# What Python's `re` knows no name for.
_CLASSES = {r"[\p{Print}]": r"[\x20-\x7e]", r"\p{ASCII}": r"[\x00-\x7f]", r"\z": r"\Z"}


@dataclass(frozen=True, slots=True)
class Field:
    """One header of an operation, and what may be in it.

    Args:
        member: its name among the operation's parameters.
        header: its name on the wire.
        pattern: what it must match, as the service model has it; None for a number.
        least: the fewest characters, or the smallest number.
        most: the most characters, or the largest number.
        passes_as: the header that the container gets it as; None where it is for the platform.
        sensitive: whether an error leaves the value out.
    """

    member: str
    header: str
    pattern: str | None
    least: int
    most: int
    passes_as: str | None = None
    sensitive: bool = False


def _same(member: str, header: str, pattern: str, least: int, most: int, **more: bool) -> Field:
    return Field(member, header, pattern, least, most, header, **more)


_CONTENT_TYPE = _same("ContentType", "Content-Type", _ASCII, 0, 1024)
_COMMON = (
    _same("CustomAttributes", f"{PREFIX}Custom-Attributes", _ASCII, 0, 1024, sensitive=True),
    _same("InferenceId", f"{PREFIX}Inference-Id", _PRINTABLE, 1, 64),
)
_ROUTING = (
    _same("TargetVariant", f"{PREFIX}Target-Variant", _NAME, 0, 63),
    _same("TargetContainerHostname", f"{PREFIX}Target-Container-Hostname", _NAME, 0, 63),
    _same(
        "InferenceComponentName",
        f"{PREFIX}Inference-Component",
        r"^[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?$",
        0,
        63,
    ),
    _same("PrefixAwareId", f"{PREFIX}Prefix-Aware-Id", _PRINTABLE, 1, 64),
)
INVOKE = (
    _CONTENT_TYPE,
    _same("Accept", "Accept", _ASCII, 0, 1024),
    *_COMMON,
    *_ROUTING,
    _same("TargetModel", f"{PREFIX}Target-Model", _PRINTABLE, 1, 1024),
    _same("EnableExplanations", f"{PREFIX}Enable-Explanations", r".*", 1, 64),
    _same("SessionId", f"{PREFIX}Session-Id", rf"^({NEW_SESSION})$|{_NAME}$", 0, 256),
)
# The body's type and the answer's go by other names where the answer is a stream, or comes later.
STREAM = (
    _CONTENT_TYPE,
    Field("Accept", f"{PREFIX}Accept", _ASCII, 0, 1024, "Accept"),
    *_COMMON,
    *_ROUTING,
    _same("SessionId", f"{PREFIX}Session-Id", rf"{_NAME}$", 0, 256),
)
ASYNC = (
    Field("ContentType", f"{PREFIX}Content-Type", _ASCII, 0, 1024, "Content-Type"),
    Field("Accept", f"{PREFIX}Accept", _ASCII, 0, 1024, "Accept"),
    *_COMMON,
    Field("InputLocation", f"{PREFIX}InputLocation", r"^(https|s3)://([^/]+)/?(.*)$", 1, 1024),
    Field(
        "S3OutputPathExtension",
        f"{PREFIX}S3OutputPathExtension",
        r"^(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+$",
        1,
        512,
    ),
    Field("Filename", f"{PREFIX}Filename", r"^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9-_\.]*$", 1, 32),
    Field("RequestTTLSeconds", f"{PREFIX}RequestTTLSeconds", None, 60, 21600),
    Field("InvocationTimeoutSeconds", f"{PREFIX}InvocationTimeoutSeconds", None, 1, 3600),
)
# What a container may answer with, beside its status and its body.
CONTENT_TYPE = b"content-type"
CUSTOM_ATTRIBUTES = f"{PREFIX}Custom-Attributes".lower().encode()
NEW_SESSION_ID = f"{PREFIX}New-Session-Id".lower().encode()
CLOSED_SESSION_ID = f"{PREFIX}Closed-Session-Id".lower().encode()
ANSWERED = frozenset((CONTENT_TYPE, CUSTOM_ATTRIBUTES, NEW_SESSION_ID, CLOSED_SESSION_ID))


class Fields:
    """The fields of one operation, ready to read a request's headers by."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._by_header = {
            field.header.lower().encode(): (
                field,
                _compiled(field.pattern) if field.pattern else None,
                field.passes_as.lower().encode() if field.passes_as else None,
            )
            for field in fields
        }

    def read(self, headers: Headers) -> tuple[dict[str, str], list[tuple[bytes, bytes]]]:
        """What a request says, and the headers that go on to the container: no others do.

        Args:
            headers: the request's, names in lower case.

        Returns:
            The values by their members' names, and the headers for the container.

        Raises:
            ValidationError: a value breaks its limits; in AWS's words.
        """
        given: dict[str, str] = {}
        passed: list[tuple[bytes, bytes]] = []
        wrong: list[str] = []
        for name, value in headers:
            found = self._by_header.get(name)
            if found is None:
                continue
            field, pattern, passes_as = found
            text = value.decode("latin-1")
            given[field.member] = text
            if passes_as is not None:
                passed.append((passes_as, value))
            if pattern is None:
                wrong += _number_faults(field, text)
            elif not field.least <= len(text) <= field.most or not pattern.fullmatch(text):
                wrong += _text_faults(field, pattern, text)
        if wrong:
            raise ValidationError(detected(wrong))
        return given, passed


def detected(faults: list[str]) -> str:
    """Faults of a request in one message, in AWS's words."""
    many = "validation error" if len(faults) == 1 else "validation errors"
    return f"{len(faults)} {many} detected: {'; '.join(faults)}"


def _text_faults(field: Field, pattern: re.Pattern[str], text: str) -> list[str]:
    faults = []
    if len(text) < field.least:
        faults.append(f"Member must have length greater than or equal to {field.least}")
    if len(text) > field.most:
        faults.append(f"Member must have length less than or equal to {field.most}")
    if not pattern.fullmatch(text):
        faults.append(f"Member must satisfy regular expression pattern: {field.pattern}")
    return [_failed(field, text, fault) for fault in faults]


def _number_faults(field: Field, text: str) -> list[str]:
    if not text.isdecimal():
        return [_failed(field, text, "Member must be an integer")]
    if int(text) < field.least:
        return [
            _failed(field, text, f"Member must have value greater than or equal to {field.least}")
        ]
    if int(text) > field.most:
        return [_failed(field, text, f"Member must have value less than or equal to {field.most}")]
    return []


def _failed(field: Field, text: str, fault: str) -> str:
    member = field.member[0].lower() + field.member[1:]
    value = "Value" if field.sensitive else f"Value '{text}'"
    return f"{value} at '{member}' failed to satisfy constraint: {fault}"


def _compiled(pattern: str) -> re.Pattern[str]:
    for name, meaning in _CLASSES.items():
        pattern = pattern.replace(name, meaning)
    return re.compile(pattern)
