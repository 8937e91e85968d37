"""What a launcher hands to the fork server: which model the frontend wants a process for."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from contract import log_format

logger = logging.getLogger(__name__)

STARTED = "MMS worker started."
BACKLOG = 128
# Where the launcher keeps its output: launcher.sh.
STDOUT, STDERR = 8, 9


@dataclass(frozen=True)
class LaunchRequest:
    """One execution of the launcher; equal to what it asks for a second time.

    Args:
        pid: the launcher's process id; its output is the frontend's.
        model: the model's name.
        model_dir: the model's folder.
        kind: of the socket to listen on, "unix" or "tcp".
        address: the socket's path, or a port of the loopback interface.
        again: whether a fork server before this one was told, too.
    """

    pid: int
    model: str
    model_dir: Path
    kind: str
    address: str
    again: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, pid: int, arguments: list[str]) -> LaunchRequest:
        """Read the command line that the frontend gives a worker.

        Raises:
            ValueError: an argument is missing.
        """
        given = dict(zip(arguments[::2], arguments[1::2], strict=False))
        try:
            kind = given["--sock-type"]
            address = given["--sock-name" if kind == "unix" else "--port"]
            model, model_dir = given["--model-name"], Path(given["--model-path"])
        except KeyError as error:
            raise ValueError(f"the frontend gave no {error.args[0]}") from None
        return cls(pid, model, model_dir, kind, address, given.get("--again") == "yes")

    def listen(self) -> socket.socket:
        """The socket that the frontend will connect to, once for each worker."""
        if self.kind == "unix":
            Path(self.address).unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(self.address)
        else:
            listener = socket.create_server(("127.0.0.1", int(self.address)))
        listener.listen(BACKLOG)
        listener.setblocking(False)
        return listener

    def take_over_output(self) -> None:
        """Called in the process for one model: print to where the launcher would.

        If that has gone, what is printed goes where the fork server's own lines go; so do lines of
        JSON, which the frontend has nothing to add to.
        """
        if log_format.is_json(os.environ):
            return
        with contextlib.suppress(OSError):
            for number, theirs in ((1, STDOUT), (2, STDERR)):
                taken = os.open(f"/proc/{self.pid}/fd/{theirs}", os.O_WRONLY)
                os.dup2(taken, number)
                os.close(taken)

    def tell_started(self, pid: int) -> None:
        """Tell the frontend that it can connect, if there is still a launcher to tell it by.

        Args:
            pid: the process that the frontend is to name as the model's.
        """
        stdout = Path(f"/proc/{self.pid}/fd/{STDOUT}")
        with contextlib.suppress(OSError), stdout.open("w", encoding="utf-8") as output:
            output.write(f"[PID] {pid}\n{STARTED}\n")


class LaunchReader:
    """Reads what launchers write: for each, the number of its arguments, its id, and they."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[LaunchRequest]:
        """The launches that are complete with these bytes; what can't be read is passed over."""
        fields = (self._rest + data).split(b"\0")
        self._rest = fields.pop()
        while fields:
            if not fields[0].isdigit():  # nothing that a launcher writes
                del fields[0]
                continue
            count = int(fields[0])
            if len(fields) < count + 2:
                self._rest = b"\0".join([*fields, self._rest])
                return
            texts = [os.fsdecode(field) for field in fields[1 : count + 2]]
            del fields[: count + 2]
            try:
                yield LaunchRequest.of(int(texts[0]), texts[1:])
            except ValueError as error:
                logger.warning("a launcher can't be understood: %s", error)
