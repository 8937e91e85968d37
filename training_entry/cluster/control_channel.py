"""One authenticated connection of the control channel, between the leader and another host.

Each message is a JSON object on a line, after its HMAC. The key is made of the job's secret and
a random number of either side, so nothing can be replayed; the direction and a counter are part
of what is signed. The channel hides nothing: it carries host names, addresses and reasons.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import threading
from typing import Any

from training_entry.cluster.certificates import derive

# A host that says nothing for this long is gone: it lost its power or its network.
SILENCE = 30.0
BEAT = 2.0
GREETING_TIMEOUT = 10.0
NONCE_BYTES = 32
MOST_BYTES = 65536


class PeerGone(Exception):
    """The other side can't be heard any more; the message says how that came, as a clause."""


class Channel:
    """One end of a connection; sending is safe from any thread, receiving is for one.

    Args:
        connection: the connected socket, which the channel owns from here on.
        secret: the job's secret.
        leading: whether this is the leader's end.

    Raises:
        PeerGone: the other side went away, or does not know the job's secret.
    """

    def __init__(self, connection: socket.socket, secret: bytes, *, leading: bool) -> None:
        self._socket = connection
        self._stream = connection.makefile("rb")
        self._sending = threading.Lock()
        self._closed = threading.Event()
        self._sent = self._received = 0
        connection.settimeout(GREETING_TIMEOUT)
        ours, theirs = (b"leader", b"member") if leading else (b"member", b"leader")
        try:
            session = self._greet(secret, leading=leading)
            self._key, self._peer_key = derive(session, ours), derive(session, theirs)
            # What the peer signs first proves that it knows the secret.
            self.send()
            self.receive()
        except BaseException:
            self.close()
            raise
        connection.settimeout(SILENCE)
        threading.Thread(target=self._beat, daemon=True).start()

    def send(self, **message: Any) -> None:
        """Send a message; none at all is a sign of life.

        Raises:
            PeerGone: it can't be sent.
        """
        body = json.dumps(message).encode()
        with self._sending:
            line = self._mac(self._key, self._sent, body) + b" " + body + b"\n"
            self._sent += 1
            try:
                self._socket.sendall(line)
            except OSError as error:
                raise PeerGone(_clause(error)) from None

    def receive(self) -> dict[str, Any]:
        """Wait for the next message; an empty one is a sign of life.

        Raises:
            PeerGone: none comes any more, or what comes is not from a host of this job.
        """
        mac, _, body = self._line().partition(b" ")
        if not hmac.compare_digest(mac, self._mac(self._peer_key, self._received, body)):
            raise PeerGone("does not know this job's secret")
        self._received += 1
        message: dict[str, Any] = json.loads(body)
        return message

    def close(self) -> None:
        """End the connection, which also ends a `receive` of another thread."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._stream.close()  # which would hold the socket open

    def _greet(self, secret: bytes, *, leading: bool) -> bytes:
        """Exchange random numbers; the key of this one connection comes of both."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            self._socket.sendall(nonce.hex().encode() + b"\n")
            other = bytes.fromhex(self._line().decode())
        except OSError as error:
            raise PeerGone(_clause(error)) from None
        except ValueError:
            raise PeerGone("does not speak as a host of a training job does") from None
        return derive(secret, nonce + other if leading else other + nonce)

    def _line(self) -> bytes:
        try:
            line = self._stream.readline(MOST_BYTES)
        except (OSError, ValueError) as error:
            raise PeerGone(_clause(error)) from None
        if not line.endswith(b"\n"):
            raise PeerGone("closed the connection")
        return line[:-1]

    def _mac(self, key: bytes, number: int, body: bytes) -> bytes:
        return hmac.new(key, number.to_bytes(8) + body, hashlib.sha256).hexdigest().encode()

    def _beat(self) -> None:
        while not self._closed.wait(BEAT):
            try:
                self.send()
            except PeerGone:
                return


def _clause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"said nothing for {SILENCE:g} s"
    return "closed the connection"
