"""What SageMaker's other client, of the control plane, gets from us."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.runtime.running import RunningRuntime, read


def test_an_endpoint_is_described(runtime: RunningRuntime) -> None:
    client = runtime.client("sagemaker")

    client.get_waiter("endpoint_in_service").wait(EndpointName="birds")
    found = client.describe_endpoint(EndpointName="birds")

    assert found["EndpointArn"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/birds"
    assert found["EndpointStatus"] == "InService"
    (variant,) = found["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentWeight"]) == ("AllTraffic", 1.0)
    listed = client.list_endpoints()["Endpoints"]
    assert [each["EndpointName"] for each in listed] == ["birds"]


def test_an_endpoint_that_is_not_there(runtime_once: RunningRuntime) -> None:
    with pytest.raises(ClientError, match="Could not find endpoint") as caught:
        runtime_once.client("sagemaker").describe_endpoint(EndpointName="fish")

    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_the_rest_is_refused_by_name(runtime_once: RunningRuntime) -> None:
    with pytest.raises(ClientError, match="DeleteEndpoint is not answered here"):
        runtime_once.client("sagemaker").delete_endpoint(EndpointName="birds")


def test_metrics_and_state_tell_what_was_invoked(runtime: RunningRuntime) -> None:
    """CloudWatch's names and dimensions; 4xx and 5xx are counted apart."""
    client = runtime.client()
    client.invoke_endpoint(EndpointName="birds", Body=b"")
    for status in (404, 500, 503):
        with pytest.raises(ClientError):
            client.invoke_endpoint(
                EndpointName="birds", Body=b"", CustomAttributes=f"status={status}"
            )

    text = read(f"{runtime.url}/metrics")
    view = json.loads(read(f"{runtime.url}/-/state"))

    of_birds = '{EndpointName="birds",VariantName="AllTraffic"}'
    lines = text.splitlines()
    assert f"Invocations_total{of_birds} 4.0" in lines
    assert f"Invocation4XXErrors_total{of_birds} 1.0" in lines
    assert f"Invocation5XXErrors_total{of_birds} 2.0" in lines
    assert f"InvocationModelErrors_total{of_birds} 3.0" in lines
    assert f"ModelLatency_count{of_birds} 4.0" in lines
    assert f"OverheadLatency_count{of_birds} 4.0" in lines
    (endpoint,) = view["endpoints"]
    (variant,) = endpoint["variants"]
    assert (endpoint["name"], endpoint["status"]) == ("birds", "InService")
    assert (variant["invocations"], variant["failed"], variant["under_way"]) == (4, 3, 0)


def test_own_paths_are_not_for_other_sites(runtime_once: RunningRuntime) -> None:
    """A page that a browser was led to by another name can't ask for the state."""
    from http.client import HTTPConnection

    connection = HTTPConnection(runtime_once.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/-/state", headers={"Host": "evil.example:9000"})
    assert connection.getresponse().status == 400
    connection.close()
    connection.request("POST", "/-/update", b"{}", {"Content-Type": "text/plain"})
    assert connection.getresponse().status == 400
    connection.close()
