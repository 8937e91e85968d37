"""A program with version 2 of the SDK that asks an endpoint; its URL is the argument."""

import json
import sys

import boto3
from sagemaker import Session
from sagemaker.deserializers import CSVDeserializer
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer

url = sys.argv[1]
aws = boto3.Session("any", "any", region_name="us-east-1")
session = Session(
    boto_session=aws,
    sagemaker_client=aws.client("sagemaker", endpoint_url=url),
    sagemaker_runtime_client=aws.client("sagemaker-runtime", endpoint_url=url),
    default_bucket="any",
)
predictor = Predictor(
    "birds", sagemaker_session=session, serializer=CSVSerializer(), deserializer=CSVDeserializer()
)


def error_of(*arguments, **parameters):
    try:
        predictor.predict(*arguments, **parameters)
    except Exception as error:
        return type(error).__name__
    return None


found = {
    "predicted": predictor.predict([[1], [2]], inference_id="mine"),
    "streamed": b"".join(predictor.predict_stream([[1]])).decode(),
    "refused": error_of("no JSON", initial_args={"ContentType": "application/json"}),
    "mistaken": error_of([[1]], target_model="other"),
}
print(json.dumps(found))
