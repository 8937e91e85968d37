"""A job of several hosts as one cluster: Dask's scheduler and workers on the job's own instances.

The first host leads: it runs the scheduler, a worker and the user's script. Every other host runs
a worker and waits for the leader's outcome, which is then its own. ``docs/distributed.md`` is for
people who train, ``docs/decisions/0007-dask-for-several-hosts.md`` says why it is so.

    run.py         what one host does, from joining to the outcome
    host.py        the host itself: name, address, secret, worker
    outcome.py     how the end is told
    leader.py      the leader's end of the control channel: who is there, and what all are told
    member.py      the other hosts' end of it
    control.py     one authenticated connection of the control channel
    processes.py   the scheduler and the worker as child processes that never outlive the host
    engine.py      inside those processes
    client.py      inside the user's script
    security.py    the job's secret and the certificates made of it
    addresses.py   where a host's name points
    settings.py    the settings
"""

from training_entry.cluster.cluster_settings import is_wanted
from training_entry.cluster.dask_client import connect

__all__ = ["connect", "is_wanted"]
