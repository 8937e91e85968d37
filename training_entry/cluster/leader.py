"""The leader's end of the control channel: which hosts are there, and what all of them are told."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from contract.errors import UserCodeError
from training_entry.cluster.control_channel import Channel, PeerGone

# How long the others have to take the outcome, once it is there.
FAREWELL = 10.0

logger = logging.getLogger(__name__)


class ClusterFailed(UserCodeError):
    """The hosts can't go on together; the message names the host and what happened to it."""


class Presence(Enum):
    """How far another host has come."""

    ABSENT = "has not joined"
    JOINED = "has joined, but its worker has not started"
    READY = "is ready"
    LEFT = "has left"


class Leader:
    """Listens for the other hosts; a context manager.

    Its connections outlive the block: that they end tells the others that this process has.

    Args:
        others: the names of all hosts but this one.
        address: this host's address, the only one that is listened on, and the port.
        secret: the job's secret.
        interrupt: called once, from any thread, if the job can't go on although all were ready.
    """

    def __init__(
        self,
        others: Iterable[str],
        address: tuple[str, int],
        secret: bytes,
        interrupt: Callable[[], None],
    ) -> None:
        self._presence = dict.fromkeys(others, Presence.ABSENT)
        self._channels: dict[str, Channel] = {}
        self._secret = secret
        self._refused: set[str] = set()
        self._said: list[dict[str, Any]] = []
        self._change = threading.Condition(threading.RLock())
        self._interrupt = interrupt
        self._started = self._over = False
        self.fatal: str | None = None
        self.incidents: list[str] = []
        try:
            self._listener = socket.create_server(address)
        except OSError as error:
            where = f"{address[0]}:{address[1]}"
            raise ClusterFailed(
                f"the control channel can't listen on {where}: {error.strerror}; "
                "BYO_CLUSTER_PORT names another port"
            ) from None

    def __enter__(self) -> Leader:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def say(self, **message: Any) -> None:
        """Tell every host, also those that join later."""
        with self._change:
            self._said.append(message)
            for channel in self._channels.values():
                _send(channel, message)

    def wait_until_ready(self, own_worker: threading.Event, timeout: float) -> None:
        """Wait until a worker runs on every host.

        Raises:
            ClusterFailed: the time is over or a host can't take part; names the hosts.
        """
        until = time.monotonic() + timeout
        with self._change:
            while self.fatal is None and (waiting := self._missing(own_worker)):
                if not self._change.wait(max(0.0, until - time.monotonic())):
                    raise ClusterFailed(f"{'; '.join(waiting)} within {timeout:g} s")
            if self.fatal is not None:
                raise ClusterFailed(self.fatal)
            self._started = True

    def fail(self, reason: str) -> None:
        """Note that the job can't go on, and why; the first reason is the one that counts."""
        with self._change:
            if self.fatal is not None or self._over:
                return
            self.fatal = reason
            self._change.notify_all()
            if self._started:
                self._interrupt()

    def note(self, incident: str) -> None:
        """Note what may explain a later failure, and log it."""
        logger.warning("%s", incident)
        with self._change:
            self.incidents.append(incident)
            self._change.notify_all()

    def notify(self) -> None:
        """Have `wait_until_ready` look again."""
        with self._change:
            self._change.notify_all()

    def end(self, outcome: dict[str, Any], *, absent_too: bool = False) -> None:
        """Tell the outcome, and wait a moment until the others have it.

        Args:
            outcome: the exit code, and the reason if that is not 0.
            absent_too: whether to wait for those as well that may still be on their way.
        """
        with self._change:
            self._over = True
            self.say(outcome=outcome)
            gone = {Presence.LEFT} if absent_too else {Presence.LEFT, Presence.ABSENT}
            self._change.wait_for(lambda: set(self._presence.values()) <= gone, FAREWELL)

    def _missing(self, own_worker: threading.Event) -> list[str]:
        missing = [
            f"{host} {state.value}"
            for host, state in self._presence.items()
            if state is not Presence.READY
        ]
        return missing if own_worker.is_set() else [*missing, "the leader's worker did not start"]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, address = self._listener.accept()
                threading.Thread(
                    target=self._attend, args=(connection, address), daemon=True
                ).start()

    def _attend(self, connection: socket.socket, address: tuple[str, int]) -> None:
        """Hear one host from its greeting to its end."""
        try:
            channel = Channel(connection, self._secret, leading=True)
            host = self._welcome(channel)
        except (PeerGone, LookupError) as error:
            self._refuse(address[0], str(error))
            return
        try:
            while True:
                self._take(host, channel.receive())
        except PeerGone as error:
            self._lose(host, str(error))
        finally:
            channel.close()

    def _refuse(self, address: str, why: str) -> None:
        """Log it once: a host that is refused comes again and again."""
        with self._change:
            known = address in self._refused
            self._refused.add(address)
        if not known:
            logger.warning("A connection from %s was refused: it %s", address, why)

    def _welcome(self, channel: Channel) -> str:
        host: str | None = None
        while host is None:
            host = channel.receive().get("host")
        with self._change:
            if self._presence.get(host) is not Presence.ABSENT:
                channel.close()
                raise LookupError(f"calls itself {host}, which is not expected")
            self._presence[host] = Presence.JOINED
            self._channels[host] = channel
            for message in self._said:
                _send(channel, message)
            self._change.notify_all()
        logger.info("%s has joined", host)
        return host

    def _take(self, host: str, message: dict[str, Any]) -> None:
        if message.get("ready"):
            with self._change:
                self._presence[host] = Presence.READY
                self._change.notify_all()
        if message.get("ended"):
            with self._change:
                self._presence[host] = Presence.LEFT
                self._change.notify_all()
        if "died" in message:
            self.note(message["died"])
        if "failed" in message:
            self.fail(f"{host}: {message['failed']}")

    def _lose(self, host: str, how: str) -> None:
        with self._change:
            was_ready = self._presence[host] is Presence.READY
            self._presence[host] = Presence.LEFT
            self._change.notify_all()
            if self._over:
                return
        self.note(f"the host {host} was lost: it {how}")
        if not was_ready:
            self.fail(f"the host {host} was lost before it was ready: it {how}")


def _send(channel: Channel, message: dict[str, Any]) -> None:
    # A host that is gone is noticed where it is listened to.
    with contextlib.suppress(PeerGone):
        channel.send(**message)
