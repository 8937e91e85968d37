"""Prints what is counted as lines for CloudWatch, now and then, in a thread of `serve`'s."""

from __future__ import annotations

import http.client
import logging
import sys
import threading
import time
from pathlib import Path

from contract.settings import ServingSettings
from handler.metrics.emf import EmfLines
from handler.metrics.families import families
from handler.serve.metrics_answers import TALK_SECONDS, MetricsAnswers

logger = logging.getLogger(__name__)


class MetricsLog(threading.Thread):
    """The thread; it ends with this process.

    Args:
        settings: where the frontend listens, and how often to print.
        answers: what is told.
    """

    def __init__(self, settings: ServingSettings, answers: MetricsAnswers) -> None:
        super().__init__(name="metrics-log", daemon=True)
        host = "127.0.0.1" if settings.bind_address == "0.0.0.0" else settings.bind_address
        self._address = (host, settings.port)
        self._seconds = settings.metrics_emf
        self._answers = answers
        self._lines = EmfLines()

    def run(self) -> None:
        """Print for ever."""
        while True:
            time.sleep(self._seconds)
            try:
                self._print()
            except (OSError, http.client.HTTPException) as error:
                # Before the port is open, and while the server stops.
                logger.debug("what was counted is not printed this time: %s", error)

    def _print(self) -> None:
        """Ask as anybody would, so that the frontend tells what it has counted; and print that."""
        connection = http.client.HTTPConnection(*self._address, timeout=2 * TALK_SECONDS)
        try:
            connection.request("GET", "/metrics")
            connection.getresponse().read()
        finally:
            connection.close()
        told = self._answers.last_told
        if told is not None:
            for line in self._lines.lines(families(told), time.time_ns() // 1_000_000):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()  # a whole line at a time: others print there, too


def begin_metrics(settings: ServingSettings, scratch: Path) -> None:
    """Begin to tell what is counted, to who asks and, if that is wanted, to the log."""
    answers = MetricsAnswers(scratch, settings.metrics_models)
    answers.start()
    if settings.metrics_emf:
        MetricsLog(settings, answers).start()
