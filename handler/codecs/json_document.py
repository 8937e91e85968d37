"""application/json: one document, in any of the forms of json_forms.py."""

from __future__ import annotations

from typing import Any, ClassVar

from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.expected_columns import holds_any_number
from handler.codecs.json_forms import read_document
from handler.codecs.json_structure import check_json
from handler.codecs.json_text import dumps, loads_body, plain
from handler.codecs.media_types import MediaType
from handler.codecs.tensors import Tensors, to_outputs


class JsonDocument:
    media_types: ClassVar[tuple[str, ...]] = ("application/json",)
    requires: ClassVar[tuple[str, ...]] = ("orjson",)

    @staticmethod
    def read(
        body: bytes, media_type: MediaType, signature: Signature | None, budget: Budget
    ) -> Decoded:
        check_json(body, budget)
        document = loads_body(body, media_type, holds_any_number(signature))
        return read_document(document, signature, budget)

    @staticmethod
    def write(
        prediction: Any,
        media_type: MediaType,
        signature: Signature | None,
        envelope: Envelope | None,
    ) -> bytes:
        # A dict is an answer of the user's own making: it has the envelope that it should have.
        if isinstance(envelope, Tensors):
            prediction = to_outputs(prediction, signature, envelope)
        elif envelope is not None and not isinstance(prediction, dict):
            prediction = {"predictions": plain(prediction)}
        return dumps(prediction, media_type)
