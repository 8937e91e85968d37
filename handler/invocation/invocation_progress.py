"""One request on its way through the pipeline, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from handler import codecs
from handler.invocation.blame import Stage
from handler.invocation.request_types import Request


@dataclass(slots=True)
class Invocation:
    """A request on its way through the pipeline, and how far it has come.

    Args:
        request: the request.
        context: what user functions get as their context; None if there are none.
        stage: the function that is at work, or is to be next.
        data: what the model is to be given, once it is read.
        envelope: the form of JSON that the answer should have, once it is known.
        answer_type: what to answer with, where it is ours to choose.
    """

    request: Request
    context: Any = None
    stage: Stage = "input_fn"
    data: Any = None
    envelope: Any = None
    answer_type: codecs.MediaType | None = None
