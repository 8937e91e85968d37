"""Content types and Accept."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

import handler.codecs
from contract.errors import MalformedPayload, NotAcceptable, UnsupportedContentType
from handler.codecs import MediaType, decode, encode, negotiate, preferences, readable, writable
from handler.codecs.all_content_types import build
from handler.codecs.numpy_npy import NumpyNpy
from handler.codecs.text_csv import TextCsv

JSON = "application/json"


@pytest.mark.parametrize(
    ("accept", "default", "expected"),
    [
        (None, JSON, JSON),
        ("", JSON, JSON),
        ("*/*", JSON, JSON),
        ("*/*", "text/csv; header=present", "text/csv; header=present"),
        ("text/csv", JSON, "text/csv"),
        ("TEXT/CSV", JSON, "text/csv"),
        (
            "text/csv; charset=latin-1; header=present",
            JSON,
            "text/csv; charset=latin-1; header=present",
        ),
        ("text/csv;q=0.5, application/x-npy", JSON, "application/x-npy"),
        ("text/csv;q=0.5;header=present", JSON, "text/csv; header=present"),
        ("text/csv, application/x-npy", JSON, "text/csv"),
        ("text/html, text/csv;q=0.1", JSON, "text/csv"),
        ("text/html, */*;q=0.1", JSON, JSON),
        ("application/*", "text/csv", JSON),
        ("application/*", "application/x-npy", "application/x-npy"),
        ("text/*", JSON, "text/csv"),
        ("text/csv;q=0, text/*", JSON, "text/libsvm"),
        ("application/json;q=0, */*", JSON, "text/csv"),
        ("application/json;q=0.1, */*", JSON, "text/csv"),
        ("application/json, application/json;q=0", JSON, JSON),
        ("nonsense, text/csv", JSON, "text/csv"),
        ("nonsense", JSON, JSON),
        ("text/csv;q=nonsense", JSON, JSON),
        ('text/csv; header="pre\\sent", application/x-npy', JSON, "text/csv; header=present"),
    ],
)
def test_negotiation(accept: str | None, default: str, expected: str) -> None:
    """The type the client wants most, of those that a codec writes."""
    assert str(negotiate(accept, default)) == expected


@pytest.mark.parametrize(
    ("accept", "default"),
    [
        ("text/html", JSON),
        ("image/*", JSON),
        ("*/*;q=0", JSON),
        ("application/json;q=0", JSON),
        (None, "text/html"),
    ],
)
def test_what_cannot_be_had_is_not_acceptable(accept: str | None, default: str) -> None:
    """The error lists what can."""
    with pytest.raises(NotAcceptable, match="text/csv"):
        negotiate(accept, default)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, [JSON]),
        ("*/*", [JSON]),
        ("image/png;q=0.5, text/html", ["text/html", "image/png"]),
        ("image/*, */*;q=0.1", ["image/*", JSON]),
        ("application/json;q=0, */*", ["*/*"]),
        ("image/png;q=0", []),
    ],
)
def test_preferences_know_no_codecs(accept: str | None, expected: list[str]) -> None:
    """A user's own output_fn may write what no codec does."""
    assert [str(media_type) for media_type in preferences(accept, JSON)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "text/csv; charset=utf-8; header=present",
        "Text/CSV;charset=utf-8;HEADER=present",
        'text/csv ; charset="utf-8" ;; header=present',
    ],
)
def test_media_types_are_read(text: str) -> None:
    """Case, spaces and quotes make no difference."""
    media_type = MediaType.parse(text)

    assert media_type.essence == "text/csv"
    assert media_type.parameters == {"charset": "utf-8", "header": "present"}
    assert str(media_type) == "text/csv; charset=utf-8; header=present"


@pytest.mark.parametrize(
    "content_type",
    [
        *("text", "a/b/c", "text/html", "text/csv; =", "*/*", "/"),
        *("application/problem+json", "text/x+json", "application/json-seq"),
    ],
)
def test_an_unknown_content_type_is_refused(content_type: str) -> None:
    """The error lists what is read."""
    with pytest.raises(UnsupportedContentType, match="application/x-npy"):
        decode(b"1,2", content_type, None)


def test_a_missing_content_type_is_json() -> None:
    """SageMaker sends none if the client gave none."""
    assert decode(b"[[1]]", None, None).data.tolist() == [[1]]


@pytest.mark.parametrize("content_type", [None, ""])
@pytest.mark.parametrize("body", [b"1,2\n3,4", b"1.5", b"\x93NUMPY\x01\x00"])
def test_a_missing_content_type_is_what_is_wrong(body: bytes, content_type: str | None) -> None:
    """A client who forgot it is told so, and not only that this is no JSON."""
    with pytest.raises(MalformedPayload, match="no content type was given, so application/json"):
        decode(body, content_type, None)


def test_a_given_content_type_is_not_called_missing() -> None:
    """Who said JSON knows it."""
    with pytest.raises(MalformedPayload, match=r"^the body is not JSON"):
        decode(b"1,2", JSON, None)


@pytest.mark.parametrize(
    "content_type",
    ["text/json", "application/ld+json", "Application/Vnd.Example.V1+JSON; charset=utf-8"],
)
def test_json_by_another_name_is_read(content_type: str) -> None:
    """The suffix says what it is; answers have the one name that everybody knows."""
    assert decode(b"[[1]]", content_type, None).data.tolist() == [[1]]
    assert content_type not in readable()


def test_writing_an_unknown_type_is_not_acceptable() -> None:
    """A caller who passes over negotiation gets the same error."""
    with pytest.raises(NotAcceptable):
        encode([1], MediaType.parse("text/html"))


def test_a_type_is_registered_once() -> None:
    """Two codecs for one type are a mistake in the program."""
    with pytest.raises(ValueError, match="registered twice"):
        build([TextCsv, NumpyNpy, TextCsv])


def test_a_codec_without_its_library_is_left_out() -> None:
    """An optional format needs its library, the others do not."""

    class Exotic(NumpyNpy):
        media_types: ClassVar[tuple[str, ...]] = ("application/x-exotic",)
        requires: ClassVar[tuple[str, ...]] = ("no_such_library.module",)

    registry: dict[str, Any] = build([NumpyNpy, Exotic])

    assert set(registry) == {"application/x-npy"}


def test_the_exported_names_exist() -> None:
    """What the package promises is there."""
    assert all(hasattr(handler.codecs, name) for name in handler.codecs.__all__)
    assert set(writable()) == set(readable())
