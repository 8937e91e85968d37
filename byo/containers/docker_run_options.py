"""Containers as data: what `docker` is told, so that they see what SageMaker would show them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from byo.tree.channels import Channel
from byo.tree.job_tree import HOST
from contract import log_format
from contract.paths import BASE_DIR_VARIABLE, Paths
from contract.settings import ALGORITHM_DIR_VARIABLE, DEFAULT_ALGORITHM_DIR

PORT = 8080
MODEL = "/opt/ml/model"
MODELS = "/opt/ml/models"
# Between SIGTERM and SIGKILL SageMaker leaves an endpoint and a training job so many seconds.
SERVING_STOP_SECONDS = 30
TRAINING_STOP_SECONDS = 120
# Where a person reads what a server says.
READABLE = ("--env", f"{log_format.VARIABLE}=text")
SETTINGS = ("BYO_", "MODEL_SERVER_", "SAGEMAKER_")
# These name what a container has at places of its own.
OWN_SETTINGS = {
    ALGORITHM_DIR_VARIABLE,
    BASE_DIR_VARIABLE,
    "BYO_BIND_ADDRESS",
    "SAGEMAKER_BIND_TO_PORT",
    "SAGEMAKER_MULTI_MODEL",
    "SAGEMAKER_SUBMIT_DIRECTORY",
    "SAGEMAKER_TRAINING_MODULE",
}


@dataclass(frozen=True)
class Container:
    """A container to be.

    Args:
        image: the image's name.
        command: ``train`` or ``serve``.
        options: the options of `docker run`.
        stop_seconds: how long it has to stop after SIGTERM.
    """

    image: str
    command: str
    options: tuple[str, ...]
    stop_seconds: int


def training_container(
    image: str,
    paths: Paths,
    *,
    user: str | None,
    environ: Mapping[str, str],
    algorithm: Path | None = None,
    channels: Sequence[Channel] = (),
    more: Sequence[str] = (),
) -> Container:
    """A training job on a tree, which the container sees as /opt/ml.

    Args:
        image: the image's name.
        paths: the job's tree, complete.
        user: whom the files that it leaves are to belong to; None for the image's own user.
        environ: the caller's environment; the settings in it pass on.
        algorithm: a folder to take the place of the image's own algorithm.
        channels: data of this machine to show in the tree, which the job can't write to.
        more: the caller's own options of `docker run`, which count most.
    """
    container_tree = Paths()
    mounts = (channel.mount(str(container_tree.channel(channel.name))) for channel in channels)
    options = (
        "--hostname",
        _current_host(paths),
        *(("--user", user) if user else ()),
        *_mount(paths.base, str(container_tree.base)),
        *(word for mount in mounts if mount for word in _mount(*mount, read_only=True)),
        *_algorithm(algorithm),
        *_settings(environ),
        *more,
    )
    return Container(image, "train", options, TRAINING_STOP_SECONDS)


def serving_container(
    image: str,
    folder: Path,
    target: str = MODEL,
    *,
    port: int,
    environ: Mapping[str, str],
    algorithm: Path | None = None,
    more: Sequence[str] = (),
) -> Container:
    """A server on a port of this machine alone.

    Args:
        image: the image's name.
        folder: what the container sees, and can't write to: a model or a folder of models.
        target: where it sees it; anywhere but at ``/opt/ml/model``, the server starts without a
            model, and models come and go at run time.
        port: the port of this machine.
        environ: the caller's environment; the settings in it pass on.
        algorithm: a folder to take the place of the image's own algorithm.
        more: the caller's own options of `docker run`, which count most.
    """
    options = (
        "--publish",
        f"127.0.0.1:{port}:{PORT}",
        *_mount(folder, target, read_only=True),
        *(() if target == MODEL else ("--env", "SAGEMAKER_MULTI_MODEL=true")),
        *(() if log_format.VARIABLE in environ else READABLE),
        *_algorithm(algorithm),
        *_settings(environ),
        *more,
    )
    return Container(image, "serve", options, SERVING_STOP_SECONDS)


def _mount(source: Path, target: str, *, read_only: bool = False) -> tuple[str, str]:
    option = f"type=bind,source={source.resolve()},target={target}"
    return "--mount", f"{option},readonly" if read_only else option


def _algorithm(folder: Path | None) -> tuple[str, ...]:
    return _mount(folder, DEFAULT_ALGORITHM_DIR, read_only=True) if folder else ()


def _settings(environ: Mapping[str, str]) -> Iterator[str]:
    """Options that pass the caller's settings on; `docker` itself reads their values."""
    for name in sorted(environ):
        if name.startswith(SETTINGS) and name not in OWN_SETTINGS:
            yield from ("--env", name)


def _current_host(paths: Paths) -> str:
    """The name that the job calls its host by, which has to resolve; `train` checks the file."""
    try:
        return str(json.loads(paths.resource_config.read_bytes())["current_host"])
    except (OSError, ValueError, TypeError, LookupError):
        return HOST
