"""Start a variant's container, by what its configuration says."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from byo.containers.docker_run_options import MODELS as MODELS_IN_IMAGE
from byo.objects import store_of
from byo.runtime.configuration import VariantConfiguration
from byo.runtime.instance import Instance
from byo.runtime.model_places import many_models_tree, serving_algorithm, single_model_tree
from byo.runtime.models import ModelCache
from byo.runtime.runtime_metrics import VariantMetrics
from byo.served_container import ServedContainer, start_image, start_serve, use_url


async def start_instance(
    configuration: VariantConfiguration, metrics: VariantMetrics, folder: Path, log: Path
) -> Instance:
    """A variant's container, healthy.

    Args:
        configuration: of the variant.
        metrics: of the variant.
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
            return await _with_many_models(configuration, metrics, folder, log)
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
    if configuration.image:
        return await start_image(
            configuration.image,
            paths.model,
            os.environ,
            log=log,
            more=_docker_options(configuration.environment, configuration.memory),
            startup_seconds=seconds,
        )
    environ = {**os.environ, **configuration.environment}
    algorithm = serving_algorithm(configuration, folder, environ)
    return await start_serve(paths, algorithm, environ, log=log, startup_seconds=seconds)


async def _with_many_models(
    configuration: VariantConfiguration, metrics: VariantMetrics, folder: Path, log: Path
) -> Instance:
    seconds = configuration.startup_seconds
    store, prefix = store_of(str(configuration.model_data))
    paths, models = many_models_tree(folder)
    if configuration.url:
        container = await use_url(configuration.url, startup_seconds=seconds)
    elif configuration.image:
        container = await start_image(
            configuration.image,
            models,
            os.environ,
            log=log,
            target=MODELS_IN_IMAGE,
            more=_docker_options(configuration.environment, configuration.memory),
            startup_seconds=seconds,
        )
    else:
        environ = {**os.environ, **configuration.environment}
        algorithm = serving_algorithm(configuration, folder, environ)
        container = await start_serve(
            paths, algorithm, environ, log=log, multi_model=True, startup_seconds=seconds
        )
    cache = ModelCache(
        container.connections,
        store,
        prefix,
        models,
        memory_budget=configuration.memory,
        disk_budget=None,
        caching=configuration.caching,
        metrics=metrics.of_many_models(),
        seen_at=MODELS_IN_IMAGE if configuration.image else None,
        measure=container.memory,
    )
    return Instance(container, folder, cache)


def _docker_options(environment: Mapping[str, str], memory: int | None) -> Sequence[str]:
    options = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    if memory:
        options += ("--memory", str(memory))
    return options
