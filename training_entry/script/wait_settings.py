"""The waits of a training job that a user may set, each with its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contract.environment_reader import Reader

HOSTS_VARIABLE = "BYO_HOSTS_TIMEOUT"
QUIET_VARIABLE = "BYO_PROGRESS_INTERVAL"
GRACE_VARIABLE = "BYO_STOP_GRACE"
# SageMaker kills a stopped job 120 s after SIGTERM: this leaves time to end and to report.
LONGEST_GRACE = 105
LONGEST = 86400


@dataclass(frozen=True)
class Limits:
    """Seconds, all of them.

    Args:
        hosts: how long the other hosts of the job may take to be found by name
            (``BYO_HOSTS_TIMEOUT``).
        quiet: how long the script may print nothing before a line says that it still runs
            (``BYO_PROGRESS_INTERVAL``; 0: never).
        grace: how long the script has from a request to stop until it is killed
            (``BYO_STOP_GRACE``).
    """

    hosts: int = 60
    quiet: int = 60
    grace: int = LONGEST_GRACE

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Limits:
        """Read the limits.

        Raises:
            SettingsError: a value can't be used; the message names its variable.
        """
        read = Reader(environ)

        def seconds(name: str, default: int, most: int = LONGEST) -> int:
            return read.integer(name, default=default, least=0, most=most, what="whole seconds")

        return cls(
            hosts=seconds(HOSTS_VARIABLE, cls.hosts),
            quiet=seconds(QUIET_VARIABLE, cls.quiet),
            grace=seconds(GRACE_VARIABLE, cls.grace, LONGEST_GRACE),
        )
