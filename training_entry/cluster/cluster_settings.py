"""The settings of a cluster, and whether a job is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from contract.environment_reader import Reader

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
        read = Reader(environ)
        secret_file = read.text(SECRET_VARIABLE)
        return cls(
            port=read.integer(PORT_VARIABLE, default=DEFAULT_PORT, least=1, most=HIGHEST_PORT),
            join_timeout=read.integer(
                JOIN_VARIABLE, default=DEFAULT_JOIN_SECONDS, least=1, most=A_DAY
            ),
            secret_file=Path(secret_file) if secret_file else None,
            dashboard=read.flag(DASHBOARD_VARIABLE),
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
    switched_on = Reader(environ).flag(SWITCH_VARIABLE, default=True)
    return switched_on and len(hosts) > 1 and find_spec("distributed") is not None
