"""Has every line that leaves this process, or any that it starts, be a line of JSON.

Standard output and error become pipes before anything is started, so that all processes inherit
them. A thread reads them: what is a JSON object passes as it is, our own lines and those of users'
code alike; what is not is wrapped: what native libraries, the JVM, users' own child processes and a
crash print. It is told where it was meant to go, output to output and errors to errors.

What a process has written is there after its end, however it ends. When `serve` ends, what is in
the pipes is told first; whoever still holds them then is not waited for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import sys
import threading
from collections.abc import Mapping

from contract import json_output
from contract.environment_secrets import EnvironmentSecrets
from contract.json_lines import entry, is_object, pieces
from contract.json_output import METRICS, put
from contract.stack_traces import Trace, cause

STREAMS = {1: ("stdout", "INFO"), 2: ("stderr", "WARNING")}
CHUNK = 65536
# A line of JSON may be so long; what is longer, or is none, is told in pieces.
LONGEST_OBJECT = 1024 * 1024
LONGEST_PIECE = 65536
# How long a line may wait for those that belong to it, such as a stack trace's.
HOLD_MILLISECONDS = 100
# Room for what is printed while this process is busy.
PIPE_BYTES = 1024 * 1024
_SET_PIPE_SIZE = 1031
_LINGER_MILLISECONDS = 50
END_SECONDS = 5.0


class LogRelay:
    """The two pipes and the thread that reads them, from `begin` to `end`.

    Args:
        environ: the environment, whose secrets must not show.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._secrets = EnvironmentSecrets(environ)
        self._streams: dict[int, RelayedStream] = {}
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC)
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="log relay", daemon=True)

    def begin(self) -> None:
        """Put the pipes in the place of the standard streams."""
        for number, (name, level) in STREAMS.items():
            with contextlib.suppress(OSError):  # a stream that is closed is left so
                sink = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3)
                source, end = os.pipe2(os.O_CLOEXEC)
                with contextlib.suppress(OSError):  # more than this user may have
                    fcntl.fcntl(source, _SET_PIPE_SIZE, PIPE_BYTES)
                os.set_blocking(source, False)
                os.dup2(end, number)
                os.close(end)
                self._streams[source] = RelayedStream(number, sink, name, level, self._secrets)
        self._thread.start()

    def end(self) -> None:
        """Put the streams back, when what was written to the pipes has been told."""
        json_output.finish()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for stream in self._streams.values():
            os.dup2(stream.sink, stream.number)  # closes the pipe's end
        os.write(self._waker, b"\0")
        if self._thread.is_alive():
            self._thread.join(END_SECONDS)

    def last_word(self, text: str) -> None:
        """Say something in a process that ends at once."""
        self.end()
        put(2, entry("CRITICAL", __name__, text))

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for source in self._streams:
            poll.register(source, select.POLLIN)
        left = len(self._streams)
        while left:
            ready = [number for number, _ in poll.poll(self._patience())]
            if not ready and self._is_ending:
                break
            if not ready:
                self._release()
            for number in ready:
                if number == self._wake:
                    self._is_ending = True
                    poll.unregister(number)
                elif not self._read(number):
                    poll.unregister(number)
                    left -= 1
        for stream in self._streams.values():
            stream.finish()

    def _read(self, source: int) -> bool:
        """Take what has come, whatever it is: without this thread, all would wait that prints."""
        stream = self._streams[source]
        try:
            return stream.read(source)
        except Exception as error:
            put(stream.sink, entry("ERROR", __name__, f"a line can't be told: {error!r}"))
            return True

    def _release(self) -> None:
        for stream in self._streams.values():
            stream.release()

    def _patience(self) -> int | None:
        """How many milliseconds to wait for more; None for as long as it takes."""
        if self._is_ending:
            return _LINGER_MILLISECONDS
        is_held = any(stream.holds for stream in self._streams.values())
        return HOLD_MILLISECONDS if is_held else None


class RelayedStream:
    """What comes through one of the pipes, in lines.

    Args:
        number: of the standard stream, 1 or 2.
        sink: where its lines go.
        name, level: what a line is told to be that is no JSON.
        secrets: what must not show.
    """

    def __init__(
        self, number: int, sink: int, name: str, level: str, secrets: EnvironmentSecrets
    ) -> None:
        self.number = number
        self.sink = sink
        self._name = name
        self._level = level
        self._secrets = secrets
        self._rest = bytearray()
        self._trace = Trace(self._tell)

    @property
    def holds(self) -> bool:
        """Whether a line waits for those that may belong to it."""
        return self._trace.holds

    def read(self, source: int) -> bool:
        """Take what has come; whether more may come."""
        try:
            came = os.read(source, CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            came = b""
        if not came:
            return False
        begin = 0
        while (end := came.find(b"\n", begin)) >= 0:
            line = bytes(self._rest) + came[begin:end]
            self._rest.clear()
            self._line(line)
            begin = end + 1
        self._rest += came[begin:]
        self._cut()
        return True

    def release(self) -> None:
        """Nothing comes at the moment: tell what was held."""
        self._trace.release()

    def finish(self) -> None:
        """Nothing comes any more."""
        if self._rest:
            self._line(bytes(self._rest))
            self._rest.clear()
        self.release()

    def _cut(self) -> None:
        """Tell the beginning of a line that has no end, and is too long to be kept."""
        longest = LONGEST_OBJECT if self._rest.lstrip()[:1] == b"{" else LONGEST_PIECE
        while len(self._rest) > longest:
            end = _whole_characters(self._rest, LONGEST_PIECE)
            self._print(bytes(self._rest[:end]).decode(errors="backslashreplace"))
            del self._rest[:end]

    def _line(self, line: bytes) -> None:
        if len(line) <= LONGEST_OBJECT and is_object(line):
            self._trace.release()
            self._put(line.strip() + b"\n")
            return
        text = line.decode(errors="backslashreplace").rstrip("\r")
        if text.strip() or self._trace.is_open:
            self._trace.add(text)
        if len(text) > LONGEST_PIECE:
            self._trace.release()

    def _tell(self, lines: list[str], is_trace: bool) -> None:
        if is_trace:
            text = "\n".join(lines)
            self._put(entry("ERROR", self._name, cause(lines), exception=text, from_here=False))
            return
        for line in lines:
            if line.strip() and not line.startswith(METRICS):
                self._print(line)

    def _print(self, text: str) -> None:
        for piece in pieces(text):
            self._put(entry(self._level, self._name, piece, from_here=False))

    def _put(self, line: bytes) -> None:
        if self._secrets:
            line = self._secrets.hide_in_json(line)
        while line:
            try:
                line = line[os.write(self.sink, line) :]
            except BlockingIOError:  # whoever reads the log has made it so
                select.select([], [self.sink], [])
            except OSError:  # nobody reads the log any more
                return


def _whole_characters(data: bytearray, most: int) -> int:
    """How many bytes, at most so many, hold no part of a character alone."""
    end = most
    while end > most - 4 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end
