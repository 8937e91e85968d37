"""The /opt/ml tree of a training job, as SageMaker would have mounted it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byo.algorithm_folder import Algorithm
from byo.command_errors import UsageError
from byo.folders import copy_anew
from contract.paths import Paths

HOST = "algo-1"
PREVIOUS_MODEL = "model.previous"
OTHER_HOSTS = "hosts"


def sample_job(
    base: Path,
    algorithm: Algorithm,
    hyperparameters: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (HOST,),
) -> Paths:
    """A tree made anew from an algorithm's sample; an earlier input of the tree is replaced.

    Args:
        base: the tree's base folder, made if there is none.
        algorithm: the folder whose ``sample/`` is copied.
        hyperparameters: those to set or to change, as the strings that SageMaker hands on.
        hosts: the names of the job's hosts; the tree is the first one's.

    Raises:
        UsageError: the algorithm has no sample, or its hyperparameters can't be read.
    """
    if not algorithm.has_sample:
        raise UsageError(
            f"{algorithm.sample.input_data} holds no data to train on: put a file in "
            "sample/input/data/training/, or name a tree with --base-dir"
        )
    paths = Paths(base.resolve())
    copy_anew(algorithm.sample.input_data.parent, paths.input_data.parent)
    merged = {**read_hyperparameters(paths.hyperparameters), **(hyperparameters or {})}
    _write_json(paths.hyperparameters, merged)
    complete(paths, hosts)
    return paths


def given_job(
    base: Path,
    hyperparameters: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (HOST,),
) -> Paths:
    """A tree that the caller gives: what lacks is made, what is there is never altered.

    Args:
        base: the tree's base folder.
        hyperparameters: those to set, where the tree has no file of them.
        hosts: the names of the job's hosts; the tree is the first one's.

    Raises:
        UsageError: there is no such folder, or hyperparameters or hosts were given twice over.
    """
    paths = Paths(given_tree(base))
    if hyperparameters:
        if paths.hyperparameters.exists():
            raise UsageError(
                f"{paths.hyperparameters} exists and is not altered: "
                "set the hyperparameters there, or leave out --hyperparameter"
            )
        _write_json(paths.hyperparameters, dict(hyperparameters))
    if len(hosts) > 1 and paths.resource_config.exists():
        raise UsageError(
            f"{paths.resource_config} exists and is not altered: remove it, or leave out --hosts"
        )
    complete(paths, hosts)
    return paths


def given_tree(base: Path) -> Path:
    """The base folder that a caller named.

    Raises:
        UsageError: there is no such folder.
    """
    if not base.is_dir():
        raise UsageError(f"--base-dir {base} is not a folder")
    return base.resolve()


def complete(paths: Paths, hosts: Sequence[str] = (HOST,)) -> None:
    """Make the folders and the configuration files that a tree lacks."""
    for folder in (paths.input_config, paths.input_data, paths.model, paths.output_data):
        folder.mkdir(parents=True, exist_ok=True)
    channels = sorted(entry.name for entry in paths.input_data.iterdir() if entry.is_dir())
    missing = {
        paths.hyperparameters: {},
        paths.input_data_config: {name: _channel_config() for name in channels},
        paths.resource_config: _resource_config(hosts, hosts[0]),
    }
    for file, content in missing.items():
        if not file.exists():
            _write_json(file, content)


def other_hosts_jobs(leader: Paths, hosts: Sequence[str]) -> dict[str, Paths]:
    """The trees of a job's other hosts, by name; made anew, with the same job and the same data.

    Args:
        leader: the first host's tree, complete; the others' lie in it.
        hosts: the names of all hosts.
    """
    trees = leader.base / OTHER_HOSTS
    shutil.rmtree(trees, ignore_errors=True)
    jobs = {}
    for host in hosts[1:]:
        paths = jobs[host] = Paths(trees / host)
        copy_anew(leader.input_config, paths.input_config)
        _write_json(paths.resource_config, _resource_config(hosts, host))
        paths.input_data.symlink_to(leader.input_data)
        complete(paths, hosts)
    return jobs


def clear_outcome(paths: Paths) -> Path | None:
    """Remove an earlier run's outcome and set its model aside, for SageMaker starts with none.

    The files are moved, not the folder, which may be a mount.

    Returns:
        The folder that now holds the earlier model, or None if there was none.
    """
    for file in (paths.failure, paths.success, paths.metrics):
        file.unlink(missing_ok=True)
    earlier = list(paths.model.iterdir())
    if not earlier:
        return None
    previous = paths.base / PREVIOUS_MODEL
    shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir()
    for entry in earlier:
        shutil.move(entry, previous / entry.name)
    return previous


def read_hyperparameters(file: Path) -> dict[str, Any]:
    """The hyperparameters in a file; none if there is no such file.

    Raises:
        UsageError: the file holds no JSON object.
    """
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{file} must hold a JSON object, not {type(content).__name__}")
    return content


def _resource_config(hosts: Sequence[str], current_host: str) -> dict[str, Any]:
    return {
        "current_host": current_host,
        "hosts": [*hosts],
        "network_interface_name": "eth0",
    }


def _channel_config() -> dict[str, str]:
    return {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }


def _write_json(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
