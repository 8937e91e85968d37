"""The Docker engine that this machine's command `docker` reaches."""

from __future__ import annotations

import os
import shutil
import subprocess

from byo.command_errors import MissingPrerequisite, RunFailed, UsageError

# An engine at work answers at once; one that is being started may take its time.
ANSWER_SECONDS = 60.0


class EngineFailed(RunFailed):
    """The engine did not do as it was told; the cause is what `docker` said."""


def client() -> str:
    """The command `docker`.

    Raises:
        MissingPrerequisite: there is none on PATH.
    """
    found = shutil.which("docker")
    if found is None:
        raise MissingPrerequisite("docker is not on PATH", "apt-get install docker.io")
    return found


def docker(*arguments: str, seconds: float = ANSWER_SECONDS) -> str:
    """Run a docker command that is over soon; what it wrote to stdout.

    In a session of its own: Ctrl-C is for us to act on.

    Args:
        arguments: what follows ``docker``.
        seconds: how long it may take.

    Raises:
        EngineFailed: it failed, or took too long.
        MissingPrerequisite: there is no `docker`.
    """
    command = (client(), *arguments)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"docker {arguments[0]} took longer than {seconds:g} s") from None
    if done.returncode:
        raise EngineFailed(_first_line(done.stderr) or f"docker {arguments[0]} failed")
    return done.stdout


def require_image(image: str) -> None:
    """Make sure that there is an engine, and that it holds an image.

    Raises:
        MissingPrerequisite: `docker` is not installed, or the engine does not answer.
        UsageError: it has no such image.
    """
    try:
        docker("version", "--format", "{{.Server.Version}}")
    except EngineFailed as error:
        raise _no_answer(error.cause) from None
    try:
        docker("image", "inspect", "--format", "{{.Id}}", image)
    except EngineFailed:
        raise UsageError(
            f"there is no image {image} here: build it with `byo build {image}`, or get it with "
            f"`docker pull {image}`"
        ) from None


def calling_user() -> str | None:
    """The user and the group of this process, as `docker run --user` takes them.

    Returns:
        None where the engine itself runs as the caller (rootless): root in a container is then
        the caller already.
    """
    try:
        if "rootless" in docker("info", "--format", "{{.SecurityOptions}}"):
            return None
    except EngineFailed:
        pass  # an engine that can't say is an ordinary one
    return f"{os.getuid()}:{os.getgid()}"


def _no_answer(cause: str) -> MissingPrerequisite:
    allow, start = "sudo usermod -aG docker $USER", "sudo systemctl start docker"
    remedy = allow if "permission denied" in cause else start
    return MissingPrerequisite(f"the Docker engine does not answer ({cause})", remedy)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
