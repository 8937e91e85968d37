"""Endpoints from YAML: what is read, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.runtime.configuration import (
    AsyncConfiguration,
    EndpointConfiguration,
    VariantConfiguration,
)
from byo.runtime.configuration_file import read_configuration

WHOLE = """
Endpoints:
  - EndpointName: birds
    ProductionVariants:
      - VariantName: blue
        InitialVariantWeight: 9
        ModelDataUrl: model.tar.gz
        Image: byo
        MemoryInMB: 512
        Environment: {MODEL_SERVER_WORKERS: 2, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT: text/csv}
        ContainerStartupHealthCheckTimeoutInSeconds: 60
      - VariantName: green
        Url: http://127.0.0.1:8080
    AsyncInferenceConfig:
      OutputConfig: {S3OutputPath: s3://b/out, S3FailurePath: failures}
      ClientConfig: {MaxConcurrentInvocationsPerInstance: 2}
  - EndpointName: tenants
    ProductionVariants:
      - ModelDataUrl: s3://b/models
        Mode: MultiModel
        MultiModelConfig: {ModelCacheSetting: Disabled}
"""


def read(tmp_path: Path, text: str) -> list[EndpointConfiguration]:
    file = tmp_path / "endpoints.yaml"
    file.write_text(text, encoding="utf-8")
    return read_configuration(file)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    birds, tenants = read(tmp_path, WHOLE)

    assert birds == EndpointConfiguration(
        "birds",
        (
            VariantConfiguration(
                "blue",
                9,
                str(tmp_path / "model.tar.gz"),
                image="byo",
                memory=512 * 1024 * 1024,
                environment={
                    "MODEL_SERVER_WORKERS": "2",
                    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
                },
                startup_seconds=60,
            ),
            VariantConfiguration("green", url="http://127.0.0.1:8080"),
        ),
        AsyncConfiguration("s3://b/out", str(tmp_path / "failures"), 2),
    )
    assert tenants.variants == (
        VariantConfiguration(model_data="s3://b/models", multi_model=True, caching=False),
    )


ONE = "EndpointName: birds\nProductionVariants: [{Url: 'http://a', %s}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Endpoints: 7", "Endpoints is to be a list"),
        ("[1]", "the file is to be a mapping"),
        ("a: [", "is no YAML"),
        ("EndpointName: birds", "ProductionVariants is to be a list"),
        (ONE % "InstanceType: ml.m5.large", "InstanceType is not known; there are VariantName"),
        (ONE % "InitialVariantWeight: heavy", "InitialVariantWeight is to be a number"),
        (ONE % "InitialVariantWeight: 0", "weights of its variants are all 0"),
        (ONE % "InitialVariantWeight: -1", "is less than 0"),
        (ONE % "Image: byo", "Image and Url exclude each other"),
        (ONE % "ModelDataUrl: m", "Url is a server that has its one model already"),
        (ONE % "Mode: Many", "Mode is one of SingleModel, MultiModel"),
        (ONE % "MultiModelConfig: {ModelCacheSetting: Enabled}", "goes with Mode: MultiModel"),
        (ONE % "Environment: {A: 1}", "Url is one that runs already"),
        (ONE % "VariantName: a_b", "'a_b' is no name for this variant"),
        ("EndpointName: ../up\nProductionVariants: [{Url: 'http://a'}]", "is no name for this end"),
        ("EndpointName: a\nProductionVariants: [{Url: 'http://a'}, {Url: 'http://b'}]", "two var"),
        ("EndpointName: a\nProductionVariants: [{}]", "ModelDataUrl is missing"),
        ("Endpoints:\n  - {EndpointName: a, ProductionVariants: [{Url: 'http://a'}]}\n" * 1
         + "  - {EndpointName: a, ProductionVariants: [{Url: 'http://a'}]}\n", "two endpoints a"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)

    assert said in str(caught.value)
