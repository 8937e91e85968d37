"""The errors of the command line, each with the exit code that it ends a command with.

    ByoError
    ├── UsageError                 2  an option or a folder can't be used as given
    ├── MissingPrerequisite        3  the machine lacks something; the message says what installs it
    └── RunFailed                  1  the user's algorithm, job or request failed
        ├── JobFailed                 the training job
        ├── EndpointFailed            the endpoint: it can't start, or went away
        ├── RequestFailed             an invocation was not answered with a prediction
        └── CheckFailed               an algorithm folder does not keep the contract

Every other ``ByoError`` ends a command with 1, but ``SettingsError`` with 2.
"""

from __future__ import annotations

from pathlib import Path

from contract.errors import ByoError, SettingsError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MISSING = 3


class UsageError(ByoError):
    """An option, or a folder it names, can't be used as given."""


class MissingPrerequisite(ByoError):
    """The machine lacks something that the command needs.

    Args:
        what: what is missing, as a clause: "there is no Java runtime".
        command: the command that installs it.
    """

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what}: run `{command}`")


class RunFailed(ByoError):
    """The user's algorithm, job or request failed.

    Args:
        cause: one line: what failed, and why.
        log: the file with everything that was printed, or None if the caller saw it all.
    """

    def __init__(self, cause: str, log: Path | None = None) -> None:
        super().__init__(cause if log is None else f"{cause} (the full log: {log})")
        self.cause = cause


class JobFailed(RunFailed):
    """The training job failed; the cause is the first line of its failure file."""


class EndpointFailed(RunFailed):
    """The endpoint can't start, can't be reached, or went away."""


class RequestFailed(RunFailed):
    """An invocation was not answered with a prediction."""


class CheckFailed(RunFailed):
    """An algorithm folder does not keep the contract."""


def exit_code(error: ByoError) -> int:
    """The exit code that an error ends a command with."""
    if isinstance(error, MissingPrerequisite):
        return EXIT_MISSING
    if isinstance(error, UsageError | SettingsError):
        return EXIT_USAGE
    return EXIT_FAILED
