"""Answers the frontend's guard what `GET /metrics` is to say, in a thread of `serve`'s.

By a socket in the scratch folder. The guard sends what it has counted itself, as a JSON document up
to the end of what it sends; the answer is a content type, a line's end and the text
(handler/frontend, Metrics.java).
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handler.metrics import exposition
from handler.metrics.collector import Collector, FrontendCounts
from handler.metrics.families import Told, families
from handler.metrics.model_record import count_in

logger = logging.getLogger(__name__)

SOCKET = "metrics.sock"
# How often what processes have counted that have ended is added up, if nobody asks.
LOOK_SECONDS = 10.0
# How long a question may take to come, and an answer to be taken; the guard waits as long.
TALK_SECONDS = 5.0
# So long before the next question, where one could not be heard.
PAUSE_SECONDS = 1.0
LONGEST_QUESTION = 64 * 1024 * 1024
_CHUNK = 256 * 1024


class MetricsAnswers(threading.Thread):
    """The thread; it ends with this process.

    Args:
        scratch: the scratch folder.
        most_models: how many models are told under their own names.
    """

    def __init__(self, scratch: Path, most_models: int) -> None:
        super().__init__(name="metrics", daemon=True)
        self._collector = Collector(count_in(scratch), most_models)
        self.last_told: Told | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(scratch / SOCKET))
        self._listener.listen()
        self._listener.settimeout(LOOK_SECONDS)

    def run(self) -> None:
        """Answer for ever; what goes wrong with one question is told, and concerns no other."""
        while True:
            try:
                self._turn()
            except Exception as error:
                logger.warning("what was counted can't be told", exc_info=error)
                time.sleep(PAUSE_SECONDS)

    def _turn(self) -> None:
        try:
            channel, _ = self._listener.accept()
        except TimeoutError:
            self._collector.look_after()
            return
        with channel:
            channel.settimeout(TALK_SECONDS)
            try:
                channel.sendall(self._answer(json.loads(_received(channel))))
            except OSError as error:
                logger.warning("who asked for the metrics has left: %s", error)

    def _answer(self, question: Mapping[str, Any]) -> bytes:
        counts = FrontendCounts(question["answers"], question["under_way"])
        form = exposition.content_type(question["accept"])
        self.last_told = self._collector.collect(counts)
        text = exposition.text(families(self.last_told), form)
        return f"{form}\n{text}".encode()


def _received(channel: socket.socket) -> bytes:
    """All that comes, up to its end."""
    received = bytearray()
    while part := channel.recv(_CHUNK):
        received += part
        if len(received) > LONGEST_QUESTION:
            raise ValueError("a question about the metrics is too long")
    return bytes(received)
