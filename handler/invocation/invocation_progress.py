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
        arrived_at: when it had come to the server, by `time.monotonic`; 0 where that is not known.
        began_at: when a worker had begun with it; 0 before.
        decoded_at: when its data had been read, or its `transform_fn` was begun; 0 before.
        predicted_at: when the model had answered; 0 before.
        ended_at: when its answer was there, if it was answered by itself; else 0.
    """

    request: Request
    context: Any = None
    stage: Stage = "input_fn"
    data: Any = None
    envelope: Any = None
    answer_type: codecs.MediaType | None = None
    arrived_at: float = 0.0
    began_at: float = 0.0
    decoded_at: float = 0.0
    predicted_at: float = 0.0
    ended_at: float = 0.0
