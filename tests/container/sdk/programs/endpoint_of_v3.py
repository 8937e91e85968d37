"""A program with version 3 of the SDK that asks an endpoint; its URL is in the environment."""

import json

import boto3
from sagemaker.core.resources import Endpoint

endpoint = Endpoint.get(
    "birds", region="us-east-1", session=boto3.Session("any", "any", region_name="us-east-1")
)
answer = endpoint.invoke(body=b"1\n2\n", content_type="text/csv", accept="text/csv")
try:
    endpoint.invoke(body=b"no JSON", content_type="application/json")
    refused = None
except Exception as error:
    refused = type(error).__name__
found = {
    "status": endpoint.endpoint_status,
    "predicted": answer.body.read().decode(),
    "variant": answer.invoked_production_variant,
    "refused": refused,
}
print(json.dumps(found))
