"""The /opt/ml tree of a training job, as SageMaker would have mounted it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from byo.algorithm_folder import Algorithm
from byo.command_errors import UsageError
from byo.tree import channels as channel_folders
from byo.tree.channels import PLAIN_CONFIG, Channel
from byo.tree.folders import copy_anew
from byo.tree.run_record import RunRecord
from contract.paths import Paths

HOST = "algo-1"
OTHER_HOSTS = "hosts"


def sample_job(
    base: Path,
    algorithm: Algorithm,
    hyperparameters: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (HOST,),
    channels: Sequence[Channel] = (),
    *,
    mounted: bool = False,
) -> Paths:
    """A tree made anew from an algorithm's sample; an earlier input of the tree is replaced.

    Args:
        base: the tree's base folder, made if there is none.
        algorithm: the folder whose ``sample/`` is copied.
        hyperparameters: those to set or to change, as the strings that SageMaker hands on.
        hosts: the names of the job's hosts; the tree is the first one's.
        channels: data to train on in place of the sample's, whose hyperparameters stay.
        mounted: whether a container will be shown the channels' data.

    Raises:
        UsageError: the algorithm has no sample, or its hyperparameters can't be read.
        RunFailed: a channel's data can't be fetched.
    """
    if not algorithm.has_sample and not channels:
        raise UsageError(
            f"{algorithm.sample.input_data} holds no data to train on: name it with "
            "--channel training=FILE, put a file in sample/input/data/training/, or name a "
            "tree with --base-dir"
        )
    paths = Paths(base.resolve())
    if channels:
        _copy_configuration(algorithm.sample, paths)
        for channel in channels:
            channel.put(paths.channel(channel.name), mounted=mounted)
    else:
        copy_anew(algorithm.sample.input_data.parent, paths.input_data.parent)
    merged = {**read_hyperparameters(paths.hyperparameters), **(hyperparameters or {})}
    _write_json(paths.hyperparameters, merged)
    complete(paths, hosts, channels)
    return paths


def given_job(
    base: Path,
    hyperparameters: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (HOST,),
    channels: Sequence[Channel] = (),
    *,
    mounted: bool = False,
    record: RunRecord | None = None,
) -> Paths:
    """A tree that the caller gives: what lacks is made, what the caller made is never altered.

    What an earlier run wrote here, and nobody has edited since, is made anew.

    Args:
        base: the tree's base folder.
        hyperparameters: those to set, where the tree has no file of the caller's own.
        hosts: the names of the job's hosts; the tree is the first one's.
        channels: channels to add.
        mounted: whether a container will be shown the channels' data.
        record: what the earlier run noted; it then notes this one.

    Raises:
        UsageError: there is no such folder, or hyperparameters, hosts or a channel were given
            twice over.
        RunFailed: a channel's data can't be fetched.
    """
    paths = Paths(given_tree(base))
    record = record or RunRecord()
    _remove_what_byo_made(paths, record)
    _refuse_twice(paths, hyperparameters, hosts, channels)
    for channel in channels:
        record.channels.append(channel.name)
        folder = paths.channel(channel.name)
        channel.put(folder, mounted=mounted)
        if channel.is_remote:
            for file in filter(Path.is_file, folder.rglob("*")):
                record.note_file(paths.base, file)
    missing = [file for file in _configuration(paths) if not file.exists()]
    if hyperparameters:
        _write_json(paths.hyperparameters, dict(hyperparameters))
    complete(paths, hosts, channels)
    for file in missing:
        record.note_file(paths.base, file)
    return paths


def _refuse_twice(
    paths: Paths,
    hyperparameters: Mapping[str, str] | None,
    hosts: Sequence[str],
    channels: Sequence[Channel],
) -> None:
    """Refuse what is said by an option and in the caller's own tree."""
    for file, is_given, option in (
        (paths.hyperparameters, bool(hyperparameters), "--hyperparameter"),
        (paths.resource_config, len(hosts) > 1, "--hosts"),
        (paths.input_data_config, bool(channels), "--channel"),
    ):
        if is_given and file.exists():
            raise UsageError(
                f"{file} exists and is not altered: say it there, or leave out {option}"
            )
    for channel in channels:
        if paths.channel(channel.name).exists():
            raise UsageError(
                f"{paths.channel(channel.name)} exists and is not replaced: remove it, or leave "
                f"out --channel {channel.name}"
            )


def unnamed_channels(paths: Paths) -> list[str]:
    """The channel folders of a tree that its inputdataconfig.json does not name.

    A job sees only what is named there.
    """
    try:
        named = json.loads(paths.input_data_config.read_bytes())
    except (OSError, ValueError):
        return []  # `train` itself says what is wrong with it
    found = (entry.name for entry in paths.input_data.iterdir() if entry.is_dir())
    return sorted(name for name in found if isinstance(named, dict) and name not in named)


def _copy_configuration(sample: Paths, paths: Paths) -> None:
    """A sample's configuration for a job on other data: all but what names the channels."""
    for folder in (paths.input_config, paths.input_data):
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
    if sample.input_config.is_dir():
        copy_anew(sample.input_config, paths.input_config)
        paths.input_data_config.unlink(missing_ok=True)


def _remove_what_byo_made(paths: Paths, record: RunRecord) -> None:
    for file in _configuration(paths):
        if record.is_ours(paths.base, file):
            file.unlink()
    for name in record.channels:
        channel_folders.remove(paths.channel(name), lambda file: record.is_ours(paths.base, file))
    record.wrote.clear()
    record.channels.clear()


def _configuration(paths: Paths) -> tuple[Path, ...]:
    return paths.hyperparameters, paths.input_data_config, paths.resource_config


def given_tree(base: Path) -> Path:
    """The base folder that a caller named.

    Raises:
        UsageError: there is no such folder.
    """
    if not base.is_dir():
        raise UsageError(f"--base-dir {base} is not a folder: make it (mkdir), or name another")
    return base.resolve()


def complete(
    paths: Paths, hosts: Sequence[str] = (HOST,), channels: Sequence[Channel] = ()
) -> None:
    """Make the folders and the configuration files that a tree lacks.

    Args:
        paths: the tree.
        hosts: the names of the job's hosts.
        channels: what is known of channels, beyond that they are there.
    """
    for folder in (paths.input_config, paths.input_data, paths.model, paths.output_data):
        folder.mkdir(parents=True, exist_ok=True)
    found = sorted(entry.name for entry in paths.input_data.iterdir() if entry.is_dir())
    known = {channel.name: channel.config() for channel in channels}
    missing = {
        paths.hyperparameters: {},
        paths.input_data_config: {name: known.get(name, PLAIN_CONFIG) for name in found},
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


def _write_json(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
