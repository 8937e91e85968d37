"""The training job as data: its hosts, its channels, its hyperparameters, its folders.

Whatever started the script may have told it in ``SM_*`` variables; what they leave out is in
the files under ``input/config``. Where there is no job at all, it is one host without channels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.errors import ByoError
from contract.paths import Paths

ALONE = "localhost"
CHANNEL_PREFIX = "SM_CHANNEL_"
# What SageMaker and its SDK put among a job's hyperparameters for themselves.
FRAMEWORK_PREFIX = "sagemaker_"
FRAMEWORK_NAMES = frozenset({"_tuning_objective_metric", "default_user_module_name"})

Document = dict[str, Any]
FindFaults = Callable[[Document], Iterator[str]]


class JobError(ByoError):
    """The job's configuration can't be used; the message names the file or the variable."""


@dataclass(frozen=True)
class Channel:
    """A named input of the job.

    Args:
        name: the channel's name.
        folder: where its files lie; in Pipe mode there is none.
        content_type: the job's ``ContentType`` for it, or None.
        input_mode: ``File``, ``FastFile`` or ``Pipe``.
        distribution: ``FullyReplicated`` or ``ShardedByS3Key``.
    """

    name: str
    folder: Path
    content_type: str | None = None
    input_mode: str = "File"
    distribution: str = "FullyReplicated"


@dataclass(frozen=True)
class Job:
    """A training job, as one of its hosts sees it.

    Args:
        paths: the /opt/ml tree.
        hosts: the names of all hosts, in SageMaker's order.
        current_host: the name of this one.
        channels: the channels by name.
        hyperparameters: the user's own, by name, as text where that is known; those of
            SageMaker and its SDK are left out.
        model_dir: the model directory.
        output_dir: the folder of the failure file and of ``metrics.json``.
    """

    paths: Paths = Paths()
    hosts: tuple[str, ...] = (ALONE,)
    current_host: str = ALONE
    channels: Mapping[str, Channel] = field(default_factory=dict)
    # Not in the repr: among them may be a password.
    hyperparameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    model_dir: Path = Path("/opt/ml/model")
    output_dir: Path = Path("/opt/ml/output")

    @property
    def is_leader(self) -> bool:
        """Whether this is the host that writes what the job has one of."""
        return self.current_host == leader_of(self.hosts)

    @property
    def host_index(self) -> int:
        """Where the current host stands among the hosts, from 0."""
        return self.hosts.index(self.current_host)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Job:
        """Read the job from the variables and from the files; a missing file counts as empty.

        Raises:
            JobError: a variable or a file can't be used; the message names it and the fault.
        """
        paths = Paths.from_environ(environ)
        hosts, current_host = _hosts(environ, paths)
        return cls(
            paths=paths,
            hosts=hosts,
            current_host=current_host,
            channels=_channels(environ, paths),
            hyperparameters=_hyperparameters(environ, paths),
            model_dir=Path(environ.get("SM_MODEL_DIR") or paths.model),
            output_dir=Path(environ.get("SM_OUTPUT_DIR") or paths.output),
        )


def leader_of(hosts: Iterable[str]) -> str:
    """The host that leads: the first by name, which every host finds alike."""
    return min(hosts)


def check_job_files(paths: Paths) -> None:
    """Check the three files that SageMaker writes before a job starts.

    Raises:
        JobError: one is missing or can't be used; the message names every file at fault.
    """
    faults = []
    for file, find_faults in (
        (paths.hyperparameters, _no_faults),
        (paths.input_data_config, _channel_faults),
        (paths.resource_config, _host_faults),
    ):
        try:
            if _read(file, find_faults) is None:
                faults.append(f"{file} is missing")
        except JobError as error:
            faults.append(str(error))
    if faults:
        raise JobError("; ".join(faults))


def decoded(value: Any) -> Any:
    """A hyperparameter's text as the toolkit decodes it: as JSON, if it is any."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _hosts(environ: Mapping[str, str], paths: Paths) -> tuple[tuple[str, ...], str]:
    names, current = environ.get("SM_HOSTS"), environ.get("SM_CURRENT_HOST")
    if names and current:
        text = f'{{"hosts": {names}, "current_host": {json.dumps(current)}}}'
        document: Document | None = _parse("SM_HOSTS with SM_CURRENT_HOST", text, _host_faults)
    else:
        document = _read(paths.resource_config, _host_faults)
    if document is None:
        return (ALONE,), ALONE
    return tuple(document["hosts"]), document["current_host"]


def _channels(environ: Mapping[str, str], paths: Paths) -> dict[str, Channel]:
    """The configured channels, then those that are merely there: a folder or a variable."""
    document = _named(environ, "SM_INPUT_DATA_CONFIG", paths.input_data_config, _channel_faults)
    folders = paths.input_data.iterdir() if paths.input_data.is_dir() else ()
    configured: Document = {folder.name: {} for folder in sorted(folders) if folder.is_dir()}
    configured |= {name: members or {} for name, members in (document or {}).items()}
    variables = {_as_variable(name) for name in configured}
    for variable in sorted(environ):
        if variable.startswith(CHANNEL_PREFIX) and variable.replace("-", "_") not in variables:
            configured[variable.removeprefix(CHANNEL_PREFIX).lower()] = {}
    return {
        name: Channel(
            name,
            _channel_folder(environ, paths, name),
            members.get("ContentType") or None,
            members.get("TrainingInputMode") or "File",
            members.get("S3DistributionType") or "FullyReplicated",
        )
        for name, members in configured.items()
    }


def _as_variable(channel: str) -> str:
    return f"{CHANNEL_PREFIX}{channel.upper().replace('-', '_')}"


def _channel_folder(environ: Mapping[str, str], paths: Paths, name: str) -> Path:
    given = environ.get(f"{CHANNEL_PREFIX}{name.upper()}") or environ.get(_as_variable(name))
    return Path(given) if given else paths.channel(name)


def _hyperparameters(environ: Mapping[str, str], paths: Paths) -> Document:
    """The user's hyperparameters.

    ``SM_HPS`` holds them decoded, so that ``1.10`` has become 1.1: where the file has the text
    that a value was decoded from, the text counts.
    """
    texts = _read(paths.hyperparameters, _no_faults) or {}
    values = texts
    if environ.get("SM_HPS"):
        values = _parse("SM_HPS", environ["SM_HPS"], _no_faults)
    return {
        name: texts[name] if name in texts and decoded(texts[name]) == value else value
        for name, value in values.items()
        if not name.startswith(FRAMEWORK_PREFIX) and name not in FRAMEWORK_NAMES
    }


def _named(
    environ: Mapping[str, str], variable: str, file: Path, find_faults: FindFaults
) -> Document | None:
    if environ.get(variable):
        return _parse(variable, environ[variable], find_faults)
    return _read(file, find_faults)


def _read(file: Path, find_faults: FindFaults) -> Document | None:
    """What a file holds, checked; None if there is no such file."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"{file} can't be read: {error}") from None
    return _parse(str(file), text, find_faults)


def _parse(source: str, text: str, find_faults: FindFaults) -> Document:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise JobError(f"{source}, line {error.lineno}: not JSON: {error.msg}") from None
    if not isinstance(document, dict):
        raise JobError(f"{source} must hold a JSON object, not {type(document).__name__}")
    faults = list(find_faults(document))
    if faults:
        raise JobError(f"{source}: {', '.join(faults)}")
    return document


def _no_faults(_: Document) -> Iterator[str]:
    yield from ()


def _host_faults(document: Document) -> Iterator[str]:
    hosts, current = document.get("hosts"), document.get("current_host")
    if not isinstance(hosts, list) or not hosts or not all(isinstance(h, str) for h in hosts):
        yield '"hosts" must be a list of host names'
    elif len(set(hosts)) < len(hosts):
        yield f'"hosts" names a host twice: {", ".join(hosts)}'
    elif not isinstance(current, str):
        yield '"current_host" must be the name of a host'
    elif current not in hosts:
        yield f'"current_host" is {current!r}, which is not among the hosts: {", ".join(hosts)}'


def _channel_faults(document: Document) -> Iterator[str]:
    for name, members in document.items():
        if members is None:  # a channel of which nothing is said: the toolkit reads no more of it
            continue
        if not isinstance(members, dict):
            yield f"channel {name} must be an object, not {type(members).__name__}"
            continue
        for key in ("ContentType", "TrainingInputMode", "S3DistributionType"):
            if not isinstance(members.get(key, ""), str | None):
                yield f"{key} of channel {name} must be text"
