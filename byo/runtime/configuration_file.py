"""Endpoints from a YAML file, by the names that SageMaker's own requests have.

One endpoint is a mapping with an ``EndpointName``; several are a list of such under ``Endpoints``.
A key that is not known is refused by name: a setting that would do nothing is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from byo.command_errors import UsageError
from byo.runtime.configuration import (
    ALL_TRAFFIC,
    AsyncConfiguration,
    EndpointConfiguration,
    VariantConfiguration,
)
from byo.runtime.wire_errors import MEGABYTE
from byo.served_container import STARTUP_SECONDS

ENDPOINT_KEYS = ("EndpointName", "ProductionVariants", "AsyncInferenceConfig")
VARIANT_KEYS = (
    "VariantName", "InitialVariantWeight", "ModelDataUrl", "Mode", "MultiModelConfig", "Image",
    "Url", "Environment", "MemoryInMB", "Algorithm", "ContainerStartupHealthCheckTimeoutInSeconds",
)  # fmt: skip
MODES = ("SingleModel", "MultiModel")
CACHE_SETTINGS = ("Enabled", "Disabled")
Mapped = Mapping[str, Any]


def read_configuration(file: Path) -> list[EndpointConfiguration]:
    """The endpoints of a file.

    Paths in it are as from the folder that the file is in.

    Raises:
        UsageError: it can't be read, has a key that is not known, or a value that can't be; says
            where.
    """
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is no YAML: {error}") from None
    reader = _Reader(file)
    whole = reader.mapping(document, "the file", ("Endpoints", *ENDPOINT_KEYS))
    if "Endpoints" not in whole:
        return [reader.endpoint(whole)]
    reader.mapping(document, "the file", ("Endpoints",))
    found = [reader.endpoint(each) for each in reader.sequence(whole["Endpoints"], "Endpoints")]
    names = [each.name for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{file}: there are two endpoints {twice[0]}")
    return found


class _Reader:
    """Takes a document apart, and says where it is wrong."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def endpoint(self, found: object) -> EndpointConfiguration:
        one = self.mapping(found, "an endpoint", ENDPOINT_KEYS)
        name = self.text(one, "EndpointName", "an endpoint")
        variants = self.sequence(one.get("ProductionVariants"), f"{name}: ProductionVariants")
        asynchronous = one.get("AsyncInferenceConfig")
        return EndpointConfiguration(
            name,
            tuple(self.variant(each, name) for each in variants),
            self.asynchronous(asynchronous, name) if asynchronous is not None else None,
        )

    def variant(self, found: object, endpoint: str) -> VariantConfiguration:
        where = f"{endpoint}: a variant"
        one = self.mapping(found, where, VARIANT_KEYS)
        mode = self.choice(one, "Mode", MODES, where)
        models = self.mapping(
            one.get("MultiModelConfig", {}), f"{where}: MultiModelConfig", ("ModelCacheSetting",)
        )
        if models and mode != "MultiModel":
            self.refuse(f"{where}: MultiModelConfig goes with Mode: MultiModel")
        caching = self.choice(models, "ModelCacheSetting", CACHE_SETTINGS, where)
        environment = self.mapping(one.get("Environment", {}), f"{where}: Environment", None)
        memory = self.number(one, "MemoryInMB", None, where)
        algorithm = one.get("Algorithm")
        return VariantConfiguration(
            name=str(one.get("VariantName", ALL_TRAFFIC)),
            weight=self.number(one, "InitialVariantWeight", 1.0, where) or 0.0,
            model_data=self.place(one["ModelDataUrl"]) if "ModelDataUrl" in one else None,
            multi_model=mode == "MultiModel",
            caching=caching == "Enabled",
            image=one.get("Image"),
            url=one.get("Url"),
            environment={key: _as_text(value) for key, value in environment.items()},
            memory=int(memory * MEGABYTE) if memory else None,
            algorithm=Path(self.place(algorithm)) if algorithm else None,
            startup_seconds=self.startup(one, where),
        )

    def startup(self, one: Mapped, where: str) -> float:
        name = "ContainerStartupHealthCheckTimeoutInSeconds"
        seconds = self.number(one, name, None, where)
        return STARTUP_SECONDS if seconds is None else seconds

    def asynchronous(self, found: object, endpoint: str) -> AsyncConfiguration:
        where = f"{endpoint}: AsyncInferenceConfig"
        one = self.mapping(found, where, ("OutputConfig", "ClientConfig"))
        output = self.mapping(
            one.get("OutputConfig"), f"{where}: OutputConfig", ("S3OutputPath", "S3FailurePath")
        )
        client = self.mapping(
            one.get("ClientConfig", {}), f"{where}: ClientConfig",
            ("MaxConcurrentInvocationsPerInstance",),
        )  # fmt: skip
        failure = output.get("S3FailurePath")
        concurrency = self.number(client, "MaxConcurrentInvocationsPerInstance", 4, where)
        if not concurrency or not 1 <= concurrency <= 1000:
            self.refuse(f"{where}: MaxConcurrentInvocationsPerInstance is a number of 1 to 1000")
        return AsyncConfiguration(
            self.place(self.text(output, "S3OutputPath", where)),
            self.place(failure) if failure else None,
            int(concurrency or 1),
        )

    def mapping(self, found: object, where: str, keys: Collection[str] | None) -> Mapped:
        if not isinstance(found, dict):
            self.refuse(f"{where} is to be a mapping of {', '.join(keys or ('names to values',))}")
        for key in found:
            if keys is not None and key not in keys:
                self.refuse(f"{where}: {key} is not known; there are {', '.join(keys)}")
        return found

    def sequence(self, found: object, where: str) -> list[object]:
        if not isinstance(found, list) or not found:
            self.refuse(f"{where} is to be a list that is not empty")
        return found

    def text(self, one: Mapped, key: str, where: str) -> str:
        value = one.get(key)
        if not isinstance(value, str) or not value:
            self.refuse(f"{where}: {key} is to be a text, and not {value!r}")
        return value

    def number(self, one: Mapped, key: str, otherwise: float | None, where: str) -> float | None:
        value = one.get(key, otherwise)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            self.refuse(f"{where}: {key} is to be a number, and not {value!r}")
        return value

    def choice(self, one: Mapped, key: str, choices: Collection[str], where: str) -> str:
        value = one.get(key, next(iter(choices)))
        if value not in choices:
            self.refuse(f"{where}: {key} is one of {', '.join(choices)}, and not {value!r}")
        return str(value)

    def place(self, text: object) -> str:
        """A path as from the file's folder; addresses are as they are."""
        return str(text) if "://" in str(text) else str(self._file.parent.resolve() / str(text))

    def refuse(self, what: str) -> NoReturn:
        raise UsageError(f"{self._file}: {what}")


def _as_text(value: object) -> str:
    """A value of `Environment`: YAML's booleans as variables have them."""
    return str(value).lower() if isinstance(value, bool) else str(value)
