"""What a launcher hands to the template: which model the frontend wants a process for."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from contract.atomic_write import write_whole

STARTED = "MMS worker started."
BACKLOG = 128
# What the names of notes begin with.
KEPT = "launch-"
# Where the launcher keeps its output: launcher.sh.
STDOUT, STDERR = 8, 9


@dataclass(frozen=True)
class Launch:
    """One execution of the launcher.

    Args:
        pid: the launcher's process id; its output is the frontend's.
        model: the model's name.
        model_dir: the model's folder.
        kind: of the socket to listen on, "unix" or "tcp".
        address: the socket's path, or a port of the loopback interface.
        again: whether another template was told before, which has ended.
    """

    pid: int
    model: str
    model_dir: Path
    kind: str
    address: str
    again: bool = False

    @classmethod
    def of(cls, pid: int, arguments: list[str]) -> Launch:
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

        If that has gone, what is printed goes where the template's own lines go.
        """
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

    def keep(self, folder: Path) -> None:
        """Note a launch, in case nobody is left to tell the next template of it."""
        members = {**asdict(self), "model_dir": str(self.model_dir), "again": True}
        write_whole(self._note(folder), json.dumps(members))

    def forget(self, folder: Path) -> None:
        """Its model is wanted no more."""
        self._note(folder).unlink(missing_ok=True)

    def _note(self, folder: Path) -> Path:
        return folder / f"{KEPT}{self.pid}.json"


def kept(folder: Path) -> Iterator[Launch]:
    """The launches that a template before this one has noted, and whose launchers have ended."""
    for note in sorted(folder.glob(f"{KEPT}*.json")):
        members = json.loads(note.read_text(encoding="utf-8"))
        try:
            os.kill(members["pid"], 0)
        except ProcessLookupError:
            yield Launch(**{**members, "model_dir": Path(members["model_dir"])})


class Launches:
    """Reads what launchers write: for each, the number of its arguments, its id, and they."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Launch]:
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
                yield Launch.of(int(texts[0]), texts[1:])
            except ValueError as error:
                sys.stdout.write(f"serve: a launcher can't be understood: {error}\n")
