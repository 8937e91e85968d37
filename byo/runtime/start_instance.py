"""Start a variant's container, by what its configuration says."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from byo.command_errors import UsageError
from byo.runtime.configuration import VariantConfiguration
from byo.runtime.instance import Instance
from byo.runtime.model_places import serving_algorithm, single_model_tree
from byo.served_container import ServedContainer, start_image, start_serve, use_url


async def start_instance(configuration: VariantConfiguration, folder: Path, log: Path) -> Instance:
    """A variant's container, healthy.

    Args:
        configuration: of the variant.
        folder: for what the container needs; of this instance alone.
        log: for what it prints.

    Raises:
        UsageError: there is no such model, image or URL.
        MissingPrerequisite: the machine lacks what runs it.
        EndpointFailed: it did not become healthy in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if configuration.multi_model:
            raise UsageError("many models are not served yet: name one with --model")
        return Instance(await _with_one_model(configuration, folder, log), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


async def _with_one_model(
    configuration: VariantConfiguration, folder: Path, log: Path
) -> ServedContainer:
    seconds = configuration.startup_seconds
    if configuration.url:
        return await use_url(configuration.url, startup_seconds=seconds)
    paths = await asyncio.to_thread(single_model_tree, configuration, folder)
    environ = {**os.environ, **configuration.environment}
    if configuration.image:
        return await start_image(
            configuration.image,
            paths.model,
            environ,
            log=log,
            more=_docker_options(configuration.environment, configuration.memory),
            startup_seconds=seconds,
        )
    algorithm = serving_algorithm(configuration, folder, environ)
    return await start_serve(paths, algorithm, environ, log=log, startup_seconds=seconds)


def _docker_options(environment: Mapping[str, str], memory: int | None) -> Sequence[str]:
    options = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    if memory:
        options += ("--memory", str(memory))
    return options
