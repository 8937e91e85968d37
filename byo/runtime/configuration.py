"""Endpoints as data: their variants, and what each variant's container is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from byo.command_errors import UsageError
from byo.runtime.wire_errors import MEGABYTE, Place
from byo.served_container import STARTUP_SECONDS

ALL_TRAFFIC = "AllTraffic"  # SageMaker's own name of a variant that is the only one
INVOCATION_SECONDS = 60.0
MAX_BODY_MB = 6.0

# EndpointName and VariantName, by the service model.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
LONGEST_NAME = 63


def require_name(text: str, what: str) -> None:
    """Make sure that a name is one of SageMaker's.

    Raises:
        UsageError: it is none.
    """
    if len(text) > LONGEST_NAME or not _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} is no name for this {what}: it has up to {LONGEST_NAME} letters, digits "
            "and hyphens between them"
        )


@dataclass(frozen=True)
class VariantConfiguration:
    """A production variant.

    Args:
        name: ``VariantName``.
        weight: ``InitialVariantWeight``: its share of the traffic is this by the sum of all.
        model_data: ``ModelDataUrl``: a file, a folder or an ``s3://`` address; of many models the
            folder or the prefix that they are in. None for a container that has its model.
        multi_model: ``Mode: MultiModel``.
        caching: ``ModelCacheSetting``: whether models stay loaded.
        image: ``Image``: the image to run by docker; None for `serve` of this machine.
        url: ``Url``: a container that someone else runs, in place of an image.
        environment: ``Environment``.
        memory: ``MemoryInMB``, in bytes: what the container may take; None for no limit.
        algorithm: ``Algorithm``: the folder whose inference.py serves a model that brings none.
        startup_seconds: ``ContainerStartupHealthCheckTimeoutInSeconds``.
    """

    name: str = ALL_TRAFFIC
    weight: float = 1.0
    model_data: str | None = None
    multi_model: bool = False
    caching: bool = True
    image: str | None = None
    url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    algorithm: Path | None = None
    startup_seconds: float = STARTUP_SECONDS

    def __post_init__(self) -> None:
        require_name(self.name, "variant")
        if self.image and self.url:
            raise UsageError(f"variant {self.name}: Image and Url exclude each other")
        if self.url and self.model_data and not self.multi_model:
            raise UsageError(
                f"variant {self.name}: Url is a server that has its one model already: leave "
                "ModelDataUrl out, or the Url"
            )
        if self.url and (self.environment or self.memory):
            raise UsageError(
                f"variant {self.name}: Environment and MemoryInMB are for a container that is "
                "started here, and Url is one that runs already"
            )
        if self.model_data is None and (self.multi_model or not self.url):
            raise UsageError(f"variant {self.name}: ModelDataUrl is missing")
        if self.memory and not (self.image or self.multi_model):
            raise UsageError(
                f"variant {self.name}: a single `serve` of this machine has no limit of memory "
                "of its own: name an Image, or leave MemoryInMB out"
            )
        if self.weight < 0:
            raise UsageError(f"variant {self.name}: a weight of {self.weight:g} is less than 0")


@dataclass(frozen=True)
class AsyncConfiguration:
    """What ``InvokeEndpointAsync`` needs.

    Args:
        output: ``S3OutputPath``: a folder, or an ``s3://`` address.
        failure: ``S3FailurePath``; None for no failure objects.
        concurrency: ``MaxConcurrentInvocationsPerInstance``.
    """

    output: str
    failure: str | None = None
    concurrency: int = 4


@dataclass(frozen=True)
class EndpointConfiguration:
    """An endpoint.

    Args:
        name: ``EndpointName``.
        variants: ``ProductionVariants``.
        asynchronous: ``AsyncInferenceConfig``, where there is one.
    """

    name: str
    variants: tuple[VariantConfiguration, ...]
    asynchronous: AsyncConfiguration | None = None

    def __post_init__(self) -> None:
        require_name(self.name, "endpoint")
        if self.asynchronous and any(variant.multi_model for variant in self.variants):
            raise UsageError(
                f"endpoint {self.name}: an endpoint with AsyncInferenceConfig has one model, as in "
                "AWS: leave Mode: MultiModel out"
            )
        names = [variant.name for variant in self.variants]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names:
            raise UsageError(f"endpoint {self.name}: ProductionVariants is empty")
        if twice:
            raise UsageError(f"endpoint {self.name}: there are two variants {twice[0]}")
        if not sum(variant.weight for variant in self.variants):
            raise UsageError(
                f"endpoint {self.name}: the weights of its variants are all 0: no request would "
                "be answered"
            )


@dataclass(frozen=True)
class RuntimeSettings:
    """What is the same for all endpoints of a Runtime.

    Args:
        folder: holds what containers need: trees, models, logs. It is the Runtime's own.
        max_body: bytes of an invocation's body.
        invocation_seconds: until an invocation must be answered.
        place: where the endpoints are said to be.
        ping_seconds: between the questions for the health of a container.
        scrape_seconds: between the readings of a container's metrics.
        restart_seconds: before a container that ended is started again, at first; twice as long
            after each time that it does not stay, up to 60 s.
    """

    folder: Path
    max_body: int = int(MAX_BODY_MB * MEGABYTE)
    invocation_seconds: float = INVOCATION_SECONDS
    place: Place = field(default_factory=Place)
    ping_seconds: float = 5.0
    scrape_seconds: float = 60.0
    restart_seconds: float = 1.0
