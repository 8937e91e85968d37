"""Containers of a real engine: started, asked, waited for, and surely removed.

The engine is whatever `docker` on PATH reaches; the folders that tests show to containers are
this machine's, so the engine has to be, too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byo.command_errors import EndpointFailed
from byo.endpoint import Client, Response
from byo.endpoint.client import TIMEOUT_SECONDS

COMMAND_SECONDS = 60.0
STARTUP_SECONDS = 120.0
END_SECONDS = 120.0
# What SageMaker gives a container between SIGTERM and SIGKILL.
STOP_SECONDS = 30
POLL_SECONDS = 0.1
NOTED_LINES = 40
PORT = 8080

Options = Sequence[str | Path]
Ask = Callable[[Client], Response]


class EngineError(Exception):
    """The engine did not do as it was told; says what `docker` said."""


def absence() -> str | None:
    """Why no engine can be used here; None if one can."""
    if shutil.which("docker") is None:
        return "docker is not on PATH"
    try:
        docker("version", "--format", "{{.Server.Version}}", seconds=20)
    except EngineError:
        return "the docker daemon does not answer"
    return None


def docker(*arguments: str | Path, seconds: float = COMMAND_SECONDS) -> str:
    """Run a docker command; what it printed, stdout and stderr as they came.

    Raises:
        EngineError: it failed, or took longer than so many seconds.
    """
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"docker {arguments[0]} took longer than {seconds:g} s") from None
    if done.returncode:
        raise EngineError(f"docker {arguments[0]} failed: {done.stdout.strip()}")
    return done.stdout


def has_image(image: str) -> bool:
    """Whether the engine holds an image of this name."""
    try:
        docker("image", "inspect", image)
    except EngineError:
        return False
    return True


def published(port: int = PORT) -> list[str]:
    """The options that publish a port of a container, for this machine alone."""
    return ["--publish", f"127.0.0.1::{port}"]


def mount(source: Path, target: str, *, read_only: bool = False) -> list[str]:
    """The options that show a file or a folder of this machine to a container."""
    option = f"type=bind,source={source.resolve()},target={target}"
    return ["--mount", f"{option},readonly" if read_only else option]


def settings(**variables: str) -> list[str]:
    """The options that set environment variables."""
    return [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]


@dataclass(frozen=True)
class Container:
    """A container that was started; it may have ended since.

    Args:
        name: its name, which serves as its id.
    """

    name: str

    def url(self, inside: int = PORT) -> str:
        """Where this machine reaches a published port of the container."""
        return f"http://{docker('port', self.name, str(inside)).split()[0]}"

    def client(self, inside: int = PORT, seconds: float = TIMEOUT_SECONDS) -> Client:
        """A client of a published port, with so many seconds for each request."""
        return Client(self.url(inside), seconds)

    def log(self) -> str:
        """All that it has printed."""
        return docker("logs", self.name)

    def inspect(self) -> dict[str, Any]:
        """All that the engine knows about it."""
        return json.loads(docker("inspect", self.name))[0]

    def state(self) -> dict[str, Any]:
        """``Running``, ``ExitCode``, ``OOMKilled``, ``Pid`` and more."""
        return self.inspect()["State"]

    def execute(self, *command: str, user: str = "", seconds: float = COMMAND_SECONDS) -> str:
        """Run one more command inside, as the image's user or another; what it printed.

        Raises:
            EngineError: the command failed.
        """
        return docker("exec", "--user", user, self.name, *command, seconds=seconds)

    def signal(self, name: str) -> None:
        """Send a signal to its first process."""
        docker("kill", "--signal", name, self.name)

    def stop(self, seconds: int = STOP_SECONDS) -> int:
        """SIGTERM, and SIGKILL after so many seconds; its exit code."""
        docker("stop", "--time", str(seconds), self.name, seconds=seconds + COMMAND_SECONDS)
        return int(self.state()["ExitCode"])

    def until_ended(self, seconds: float = END_SECONDS) -> int:
        """Wait for its end; its exit code."""
        return int(docker("wait", self.name, seconds=seconds))

    def until_logged(self, text: str, seconds: float = STARTUP_SECONDS) -> str:
        """Wait until it has printed this text; the line that holds it.

        Raises:
            EngineError: it ended without, or so many seconds have passed.
        """
        command = ["docker", "logs", "--follow", self.name]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as following:
            deadline = threading.Timer(seconds, following.kill)
            deadline.start()
            try:
                for line in following.stdout:
                    if text in line:
                        return line.rstrip("\n")
            finally:
                deadline.cancel()
                following.kill()
        raise EngineError(f"{self.name} did not print {text!r} before its end or {seconds:g} s")

    def until_answered(
        self, ask: Ask, *, inside: int = PORT, seconds: float = STARTUP_SECONDS
    ) -> Response:
        """Ask until there is an answer, whatever its status.

        Raises:
            EngineError: it ended without, or so many seconds have passed.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # An engine lets go of the ports of a container that has ended.
            with suppress(EndpointFailed, EngineError), self.client(inside) as client:
                return ask(client)
            state = self.state()
            if not state["Running"]:
                raise EngineError(f"{self.name} ended with exit code {state['ExitCode']}")
            time.sleep(POLL_SECONDS)
        raise EngineError(f"{self.name} gave no answer within {seconds:g} s")


@contextmanager
def container(image: str, *command: str, options: Options = ()) -> Iterator[Container]:
    """A container, from its start until the block ends.

    Args:
        image: the image's name.
        command: what follows the image on the command line of `docker run`.
        options: what comes before it.
    """
    one = Container(f"byo-test-{uuid.uuid4().hex[:12]}")
    try:
        # As text, unless a test asks for JSON.
        form = settings(BYO_LOG_FORMAT="text")
        docker("run", "--detach", "--name", one.name, *form, *options, image, *command)
        yield one
    except Exception as error:
        _note(one, error)
        raise
    finally:
        with suppress(EngineError):  # it never came to be
            docker("rm", "--force", "--volumes", one.name)


def invoking(client: Client) -> Response:
    """Ask the single model: unlike a ping, it is answered only when the model has loaded."""
    return client.invoke(b"", "text/csv")


def listing(client: Client) -> Response:
    """Ask for the models of a multi-model container."""
    return client.request("GET", "/models")


@contextmanager
def serving(image: str, *options: str | Path, ask: Ask = invoking) -> Iterator[Container]:
    """A container that serves on a published port and has given its first answer."""
    with container(image, "serve", options=[*published(), *options]) as one:
        one.until_answered(ask)
        yield one


@dataclass(frozen=True)
class Ended:
    """How a container ended, and all that it had printed."""

    code: int
    log: str


def run(image: str, *command: str, options: Options = (), seconds: float = END_SECONDS) -> Ended:
    """Run a container to its end.

    Raises:
        EngineError: it did not end within so many seconds.
    """
    with container(image, *command, options=options) as one:
        return Ended(one.until_ended(seconds), one.log())


def gateway(image: str) -> str:
    """The address under which a container on the default network reaches this machine.

    A container is asked: an engine that made the network at this start does not name it there.
    """
    with container(image, "sleep", str(COMMAND_SECONDS)) as one:
        networks = one.inspect()["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["Gateway"])


def give_back(image: str, folder: Path) -> None:
    """Make what containers wrote into a folder, as root, the caller's own."""
    owner = f"{os.getuid()}:{os.getgid()}"
    run(image, "-R", owner, "/given", options=["--entrypoint", "chown", *mount(folder, "/given")])


def _note(one: Container, error: Exception) -> None:
    """Add the last lines that a container printed to what went wrong with it."""
    with suppress(EngineError):
        lines = one.log().splitlines()[-NOTED_LINES:]
        error.add_note("\n".join([f"the last lines of {one.name}:", *lines]))
