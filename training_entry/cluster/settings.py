"""The settings of a cluster, and whether a job is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from contract.errors import SettingsError

SWITCH_VARIABLE = "BYO_CLUSTER"
PORT_VARIABLE = "BYO_CLUSTER_PORT"
JOIN_VARIABLE = "BYO_CLUSTER_JOIN_SECONDS"
SECRET_VARIABLE = "BYO_CLUSTER_SECRET_FILE"  # noqa: S105 - the name of a variable
DASHBOARD_VARIABLE = "BYO_CLUSTER_DASHBOARD"
DEFAULT_PORT = 8785
DEFAULT_JOIN_SECONDS = 300
HIGHEST_PORT = 65535
A_DAY = 86400


@dataclass(frozen=True)
class ClusterSettings:
    """How the hosts of a job work together; the same on every host.

    Args:
        port: the leader's port for the control channel (``BYO_CLUSTER_PORT``).
        join_timeout: seconds the hosts have to find each other (``BYO_CLUSTER_JOIN_SECONDS``).
        secret_file: a file whose content only this job's hosts know
            (``BYO_CLUSTER_SECRET_FILE``), or None.
        dashboard: whether the scheduler serves Dask's dashboard (``BYO_CLUSTER_DASHBOARD``).
    """

    port: int = DEFAULT_PORT
    join_timeout: int = DEFAULT_JOIN_SECONDS
    secret_file: Path | None = None
    dashboard: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> ClusterSettings:
        """Read the settings.

        Raises:
            SettingsError: a value can't be used; the message names its variable.
        """
        secret_file = environ.get(SECRET_VARIABLE, "").strip()
        return cls(
            port=_integer(environ, PORT_VARIABLE, DEFAULT_PORT, HIGHEST_PORT),
            join_timeout=_integer(environ, JOIN_VARIABLE, DEFAULT_JOIN_SECONDS, A_DAY),
            secret_file=Path(secret_file) if secret_file else None,
            dashboard=_flag(environ, DASHBOARD_VARIABLE, default=False),
        )


def is_wanted(hosts: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether the hosts of a job are to work as one cluster.

    They are if there are several, Dask's ``distributed`` is installed in the image, and
    ``BYO_CLUSTER`` is not false. Otherwise every host runs the script, as SageMaker has it.

    Args:
        hosts: the names in resourceconfig.json.
        environ: the environment.

    Raises:
        SettingsError: BYO_CLUSTER is neither true nor false.
    """
    switched_on = _flag(environ, SWITCH_VARIABLE, default=True)
    return switched_on and len(hosts) > 1 and find_spec("distributed") is not None


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environ.get(name, "").strip().lower()
    if value not in ("", "true", "false", "1", "0"):
        raise SettingsError(f"{name} must be true or false, not {value!r}")
    return value in ("true", "1") if value else default


def _integer(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = environ.get(name, "").strip() or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise SettingsError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
    return int(value)
