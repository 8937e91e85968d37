"""Starting a fork server: one that imports for itself, or one that is forked from another."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.requirements.overlay import interpreter
from handler.fork_server.after_serve import COMMAND_VARIABLE
from handler.processes import kept_sockets
from handler.processes.kept_sockets import DESCRIPTOR_VARIABLE, StandbyRequest
from handler.serve.adopted_process import AdoptedProcess

# What is imported stays: to look through it for garbage is a tenth of what importing takes.
PROGRAM = "import gc; gc.disable(); from handler.fork_server.fork_server_main import main; main()"
ARGUMENTS = ("-P", "-c", PROGRAM)


@dataclass(frozen=True)
class StartedForkServer:
    """One fork server, which may stand by at first.

    Args:
        process: as it is waited for.
        channel: where it tells which sockets to keep.
        stdin: where it is told to end; it ends with this process, too.
    """

    process: subprocess.Popen[bytes] | AdoptedProcess
    channel: socket.socket
    stdin: io.FileIO

    def tell_to_end(self) -> None:
        if not self.stdin.closed:
            with contextlib.suppress(OSError):  # it has ended by itself
                self.stdin.write(b"end\n")
                self.stdin.close()

    def close(self) -> None:
        """Give back what was held for it, as it has ended."""
        if self.channel.fileno() >= 0:
            self.channel.close()
        with contextlib.suppress(OSError):
            self.stdin.close()


class ForkServerStart:
    """How one is started that imports for itself.

    Args:
        environ: its whole environment.
        after_serve: the command that cleans up where this process ends without a word.
    """

    def __init__(self, environ: Mapping[str, str], after_serve: Sequence[str]) -> None:
        self._environ = {**environ, COMMAND_VARIABLE: json.dumps(after_serve)}

    def __call__(self) -> StartedForkServer:
        here, there = _channel()
        input_, output = os.pipe()
        with there, os.fdopen(input_):
            process = subprocess.Popen(
                (interpreter(self._environ), *ARGUMENTS),
                env={**self._environ, DESCRIPTOR_VARIABLE: str(there.fileno())},
                process_group=0,
                stdin=input_,
                pass_fds=[there.fileno()],
            )
        return StartedForkServer(process, here, _written(output))


class AskedForkServer:
    """One that another is asked to fork, and that has not said yet who it is."""

    def __init__(self) -> None:
        self.channel, self._there = _channel()
        self._input, output = os.pipe()
        self._stdin = _written(output)

    def ask(self, other: socket.socket) -> bool:
        """Ask the one at the other end of a channel; whether it was told."""
        request = StandbyRequest(self._there.detach(), self._input)
        try:
            return kept_sockets.ask_to_stand_by(other, request)
        finally:
            request.close()

    def started(self) -> StartedForkServer | None:
        """It, once it has said who it is.

        Raises:
            EOFError: it has ended, or the one that was to fork it.
        """
        pid = kept_sockets.who_stands_by(self.channel)
        if pid is None:
            return None
        try:
            process = AdoptedProcess(pid)
        except ChildProcessError:  # it has ended already
            raise EOFError from None
        return StartedForkServer(process, self.channel, self._stdin)

    def close(self) -> None:
        """Want it no more: if it comes nevertheless, it finds nobody, and ends."""
        self.channel.close()
        self._stdin.close()


def _channel() -> tuple[socket.socket, socket.socket]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here.setblocking(False)
    return here, there


def _written(output: int) -> io.FileIO:
    """The end of a pipe that is written to."""
    return io.FileIO(output, "w")
