"""A worker host's end of the control channel: it joins, and waits for what the leader says."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from training_entry.cluster.addresses import resolve
from training_entry.cluster.control_channel import Channel, PeerGone

RETRY = 0.5
CONNECT_TIMEOUT = 5.0
# How long the leader's process has to end once all is over: longer than its own FAREWELL.
PARTING = 15.0


class LeaderGone(Exception):
    """The leader can't be reached, or went away without an outcome."""


class Member:
    """Joins the leader in the background; a context manager.

    Args:
        host: this host's name.
        address: its address, from which it connects.
        leader: the leader's name and port.
        secret: the job's secret.
        timeout: seconds to try to join.
    """

    def __init__(
        self, host: str, address: str, leader: tuple[str, int], secret: bytes, timeout: float
    ) -> None:
        self._host = host
        self._address = address
        self._leader, self._port = leader
        self._secret = secret
        self._timeout = timeout
        self._heard: dict[str, Any] = {}
        self._change = threading.Condition()
        self._channel: Channel | None = None
        self._introduced = False
        self._said: list[dict[str, Any]] = []
        self._gone: str | None = None
        self._left = threading.Event()

    def __enter__(self) -> Member:
        threading.Thread(target=self._take_part, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if self._channel is not None:
            self._channel.close()

    def tell(self, **message: Any) -> None:
        """Tell the leader; one that is not there yet hears it when it is."""
        with self._change:
            self._said.append(message)
            if self._introduced:
                self._say_all()

    def wait_for(self, *names: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait until the leader has said one of several things.

        The wait needs no bound of its own: a leader that lives keeps its own bounds, and one
        that does not is noticed.

        Returns:
            All that it has said so far, by name.

        Raises:
            LeaderGone: it can't be reached, or went away without a word of these.
        """
        with self._change:
            self._change.wait_for(
                lambda: self._gone is not None or not self._heard.keys().isdisjoint(names),
                timeout,
            )
            if self._heard.keys().isdisjoint(names):
                raise LeaderGone(self._gone or f"the leader {self._leader} says nothing")
            return dict(self._heard)

    def see_off(self) -> bool:
        """Tell the leader that this host's part is over, and stay until its process has ended.

        Where the first host that ends takes the others along, as in the SDK's local mode, that is
        to be the one whose end is the job's.

        Returns:
            Whether it has ended, within a bounded time.
        """
        self.tell(ended=True)
        with self._change:
            return self._change.wait_for(lambda: self._gone is not None, PARTING)

    def _take_part(self) -> None:
        try:
            channel = self._join()
        except LeaderGone as error:
            self._hear(gone=str(error))
            return
        try:
            channel.send(host=self._host)
            with self._change:
                self._introduced = True
                self._say_all()
            while True:
                self._hear(channel.receive())
        except PeerGone as error:
            how = "" if str(error) == "closed the connection" else f": it {error}"
            self._hear(gone=f"the leader {self._leader} went away without an outcome{how}")
        finally:
            channel.close()

    def _say_all(self) -> None:
        """Send what is waiting; the caller holds the lock."""
        with contextlib.suppress(PeerGone):
            while self._said and self._channel is not None:
                self._channel.send(**self._said[0])
                del self._said[0]

    def _hear(self, message: dict[str, Any] | None = None, gone: str | None = None) -> None:
        with self._change:
            self._heard |= message or {}
            self._gone = gone
            self._change.notify_all()

    def _join(self) -> Channel:
        """Connect; a leader that is not there yet is tried again."""
        until = time.monotonic() + self._timeout
        while True:
            try:
                self._channel = Channel(self._connect(), self._secret, leading=False)
                return self._channel
            except (OSError, PeerGone) as error:
                trouble = error
            if time.monotonic() > until or self._left.wait(RETRY):
                raise LeaderGone(
                    f"the leader {self._leader} could not be joined on port {self._port} "
                    f"within {self._timeout:g} s: {_tell(trouble)}"
                )

    def _connect(self) -> socket.socket:
        address = resolve(self._leader)
        if address is None:
            raise OSError(None, "its name does not resolve")
        return socket.create_connection(
            (address, self._port), CONNECT_TIMEOUT, source_address=(self._address, 0)
        )


def _tell(trouble: Exception) -> str:
    if isinstance(trouble, OSError):
        return (trouble.strerror or str(trouble)).lower()
    return f"it {trouble}"
