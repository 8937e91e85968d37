"""An endpoint of many models by plain boto3: what its clients are told."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from byo.runtime.configuration import (
    EndpointConfiguration,
    RuntimeSettings,
    VariantConfiguration,
)
from tests.runtime.running import LoopThread, RunningRuntime, read, running_runtime
from tests.runtime.stub_container import StubContainer


def archive(file: Path) -> None:
    """A model.tar.gz."""
    content = b"weights"
    with tarfile.open(file, "w:gz") as opened:
        member = tarfile.TarInfo("model.txt")
        member.size = len(content)
        opened.addfile(member, io.BytesIO(content))


@pytest.fixture
def tenants(
    loop: LoopThread, settings: RuntimeSettings, start_stub: Callable[..., Any], tmp_path: Path
) -> Iterator[tuple[RunningRuntime, StubContainer]]:
    """An endpoint of the models ``a.tar.gz`` and ``b.tar.gz``, and its container."""
    models = tmp_path / "models"
    models.mkdir()
    for name in ("a", "b"):
        archive(models / f"{name}.tar.gz")
    (models / "broken.tar.gz").write_bytes(b"no archive")
    stub = start_stub("many")
    variant = VariantConfiguration(url=stub.url, model_data=str(models), multi_model=True)
    brief = RuntimeSettings(settings.folder, ping_seconds=0.05, invocation_seconds=5)
    with running_runtime(loop, brief, EndpointConfiguration("birds", (variant,))) as running:
        yield running, stub


def invoke(running: RunningRuntime, **parameters: Any) -> Any:
    return running.client().invoke_endpoint(EndpointName="birds", Body=b"1", **parameters)


def test_a_target_model_is_loaded_and_then_invoked(
    tenants: tuple[RunningRuntime, StubContainer],
) -> None:
    running, stub = tenants
    for target in ("a.tar.gz", "b.tar.gz", "a.tar.gz"):
        invoke(running, TargetModel=target, InferenceId="i-1")

    loads = [each for each in stub.got if (each.method, each.path) == ("POST", "/models")]
    names = [json.loads(each.body)["model_name"] for each in loads]
    assert [each.headers["x-amzn-sagemaker-target-model"] for each in loads] == [
        "a.tar.gz", "b.tar.gz",
    ]  # fmt: skip
    assert [each.path for each in stub.invocations] == [
        f"/models/{name}/invoke" for name in (*names, names[0])
    ]
    assert stub.invocations[0].headers["x-amzn-sagemaker-target-model"] == "a.tar.gz"
    text = read(f"{running.url}/metrics")
    of_birds = '{EndpointName="birds",VariantName="AllTraffic"}'
    assert f"LoadedModelCount{of_birds} 2.0" in text
    assert f"Invocations_total{of_birds} 3.0" in text
    (endpoint,) = json.loads(read(f"{running.url}/-/state"))["endpoints"]
    models = endpoint["variants"][0]["models"]
    assert {each["target_model"]: each["state"] for each in models} == {
        "a.tar.gz": "loaded", "b.tar.gz": "loaded",
    }  # fmt: skip


def test_the_models_are_asked_for_as_sagemaker_does(
    loop: LoopThread, tenants: tuple[RunningRuntime, StubContainer]
) -> None:
    from tests.runtime.test_containers_that_fail import until_asked

    _, stub = tenants

    loop.run(until_asked(stub, "/models"))


def test_no_target_model(tenants: tuple[RunningRuntime, StubContainer]) -> None:
    with pytest.raises(ClientError, match="is missing a target model header") as caught:
        invoke(tenants[0])

    assert caught.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("target", "said"),
    [("none.tar.gz", "Failed to download model data"), ("broken.tar.gz", "Failed to extract")],
)
def test_a_model_that_can_not_be_had(
    tenants: tuple[RunningRuntime, StubContainer], target: str, said: str
) -> None:
    with pytest.raises(ClientError, match=said) as caught:
        invoke(tenants[0], TargetModel=target)

    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_stream_has_no_target_model(tenants: tuple[RunningRuntime, StubContainer]) -> None:
    with pytest.raises(ClientError, match="is a multi-model endpoint"):
        tenants[0].client().invoke_endpoint_with_response_stream(EndpointName="birds", Body=b"1")
