"""The wait for the job's other hosts, which start at their own pace, to be found by name.

sagemaker-training has such a wait of its own: silent, for up to 15 minutes, and for the current
host as well.
"""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Sequence

from contract.errors import ByoError
from training_entry.script.wait_settings import HOSTS_VARIABLE

RETRY_SECONDS = 0.5

logger = logging.getLogger(__name__)


class HostsMissing(ByoError):
    """Hosts of the job can't be found by name; the message names them."""


def wait_for_hosts(hosts: Sequence[str], current: str, seconds: float) -> None:
    """Wait until the names of all hosts but the current one resolve.

    Args:
        hosts: the names of all hosts of the job.
        current: the current host's name.
        seconds: how long to wait at most.

    Raises:
        HostsMissing: some could not be found in time.
    """
    missing = [host for host in hosts if host != current]
    if not missing:
        return
    logger.info("waiting up to %g s for the hosts to be found: %s", seconds, ", ".join(missing))
    until = time.monotonic() + seconds
    found: queue.Queue[str] = queue.Queue()
    for host in missing:
        # A look-up can't be interrupted, so it is left to a thread that nobody waits for.
        threading.Thread(target=_look_up, args=(host, until, found), daemon=True).start()
    while missing:
        try:
            missing.remove(found.get(timeout=max(0.0, until - time.monotonic())))
        except queue.Empty:
            raise HostsMissing(
                f"hosts of this job could not be found by name within {seconds:g} s: "
                f"{', '.join(missing)} ({HOSTS_VARIABLE} sets how long to wait)"
            ) from None
    logger.info("all hosts were found")


def _look_up(host: str, until: float, found: queue.Queue[str]) -> None:
    while True:
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            if time.monotonic() >= until:
                return
            time.sleep(RETRY_SECONDS)
        else:
            found.put(host)
            return
