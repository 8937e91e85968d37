"""Each host's own part of what every host has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, overload

from training_entry.job import Channel, Job

if TYPE_CHECKING:
    from pandas import DataFrame

Item = TypeVar("Item")

# With so many files for each host, no host has a quarter more of them than another.
FILES_PER_HOST = 4


@overload
def shard_by_host(items: DataFrame, job: Job | None = None) -> DataFrame: ...
@overload
def shard_by_host(items: list[Item], job: Job | None = None) -> list[Item]: ...
@overload
def shard_by_host(items: tuple[Item, ...], job: Job | None = None) -> tuple[Item, ...]: ...
def shard_by_host(items: Any, job: Job | None = None) -> Any:
    """Every n-th row of a data frame, or item of a list, where n is the number of hosts.

    The parts of all hosts are disjoint and together complete, provided that each host has the
    same items in the same order.

    Args:
        items: a data frame, a list or a tuple.
        job: the job; that of ``os.environ`` if None.
    """
    job = job or Job.from_environ(os.environ)
    part = slice(job.host_index, None, len(job.hosts))
    if isinstance(items, list | tuple):
        return items[part]
    return items.iloc[part].reset_index(drop=True)


def is_sharded(channel: Channel) -> bool:
    """Whether SageMaker has given each host its own part already."""
    return channel.distribution == "ShardedByS3Key"
