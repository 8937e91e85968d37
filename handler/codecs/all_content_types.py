"""Which codec reads and writes which content type."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from contract.errors import MalformedPayload, NotAcceptable, UnsupportedContentType
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.codec import Codec, Decoded, Envelope
from handler.codecs.foreign_predictions import familiar
from handler.codecs.json_document import JsonDocument
from handler.codecs.json_lines import JsonLines
from handler.codecs.libsvm import LibSvm
from handler.codecs.media_types import MediaType
from handler.codecs.numpy_npy import NumpyNpy
from handler.codecs.numpy_npz import NumpyNpz
from handler.codecs.parquet import Parquet
from handler.codecs.recordio import RecordIo
from handler.codecs.text_csv import TextCsv

# To add a content type, add its class. What Accept leaves open, the earlier one answers.
ALL: tuple[type[Codec], ...] = (
    JsonDocument,
    TextCsv,
    JsonLines,
    NumpyNpy,
    NumpyNpz,
    Parquet,
    LibSvm,
    RecordIo,
)
DEFAULT_CONTENT_TYPE = "application/json"
_JSON = MediaType.parse(DEFAULT_CONTENT_TYPE)


def build(codecs: Iterable[type[Codec]]) -> dict[str, type[Codec]]:
    """The codecs by media type, without those whose libraries are absent.

    Raises:
        ValueError: two codecs claim one media type.
    """
    registry: dict[str, type[Codec]] = {}
    for codec in codecs:
        if not all(map(_is_installed, codec.requires)):
            continue
        for media_type in codec.media_types:
            if media_type in registry:
                raise ValueError(f"{media_type} is registered twice")
            registry[media_type] = codec
    return registry


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # The package that would hold it is absent.
        return False


CODECS = build(ALL)


def readable() -> tuple[str, ...]:
    """The media types that requests may have."""
    return tuple(CODECS)


def writable() -> tuple[str, ...]:
    """The media types that answers may have."""
    return tuple(CODECS)


def decode(
    body: bytes,
    content_type: str | None,
    signature: Signature | None,
    budget: Budget | None = None,
) -> Decoded:
    """Turn a request's body into data; whether the model takes it is for ``conform`` to say.

    Args:
        body: the bytes as they came.
        content_type: the Content-Type header; application/json if it is missing. Types such
            as application/ld+json are read as that, too.
        signature: what the model takes, as far as it is known.
        budget: what the body may hold and take; by default what the settings' defaults allow.

    Raises:
        UnsupportedContentType: no codec reads the content type.
        MalformedPayload: the body is empty, or can't be read as its type.
        UnprocessablePayload: it can, but holds nothing that a model could take.
        PayloadTooLarge: it holds, or would unpack to, more than allowed.
    """
    try:
        media_type = MediaType.parse(content_type or DEFAULT_CONTENT_TYPE)
        codec = CODECS[_read_as(media_type)]
    except (ValueError, KeyError):
        raise UnsupportedContentType(
            f"content type {str(content_type)[:100]!r} is not read here; "
            f"these are: {', '.join(readable())}"
        ) from None
    if not body:
        raise MalformedPayload("the body is empty")
    try:
        return codec.read(body, media_type, signature, budget or Budget(len(body)))
    except MalformedPayload as error:
        if content_type:
            raise
        raise MalformedPayload(
            f"no content type was given, so {DEFAULT_CONTENT_TYPE} was assumed: {error.detail}",
            row=error.row,
            column=error.column,
        ) from None


def _read_as(media_type: MediaType) -> str:
    """The name under which a codec reads a type: JSON has many (RFC 6839, 3.1)."""
    essence = media_type.essence
    if essence in CODECS or essence == "application/problem+json":
        return essence
    suffixed = media_type.type == "application" and media_type.subtype.endswith("+json")
    return DEFAULT_CONTENT_TYPE if suffixed or essence == "text/json" else essence


def encode(
    prediction: Any,
    media_type: MediaType,
    *,
    signature: Signature | None = None,
    envelope: Envelope | None = None,
) -> tuple[bytes, str]:
    """Turn a prediction into a body and its content type.

    Args:
        prediction: what ``predict_fn`` returned.
        media_type: the type to write, as ``accept_negotiation`` chose it.
        signature: names the columns of a prediction that has no names of its own.
        envelope: the form of a JSON request, as ``decode`` found it.

    Raises:
        NotAcceptable: the type can't represent the prediction, or no codec writes it.
        PredictionFailed: no type could, since not even JSON can: a bug in what was predicted.
    """
    codec = CODECS.get(media_type.essence)
    if codec is None:
        raise NotAcceptable(f"{media_type.essence} is not written here; {offer()}")
    prediction = familiar(prediction)
    try:
        return codec.write(prediction, media_type, signature, envelope), str(media_type)
    except NotAcceptable:
        JsonDocument.write(prediction, _JSON, signature, envelope)  # Raises what is a bug.
        raise


def offer() -> str:
    """What can be written, as an error says it."""
    return f"these can be had: {', '.join(writable())}"
