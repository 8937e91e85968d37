"""Train, deploy, ask and transform by the SDK's local mode, without a bucket: files alone."""

import json
import os
import tarfile
from pathlib import Path

import numpy as np
from sagemaker.deserializers import CSVDeserializer, JSONDeserializer, NumpyDeserializer
from sagemaker.estimator import Estimator
from sagemaker.local import LocalSession
from sagemaker.serializers import CSVSerializer, JSONSerializer, NumpySerializer
from sagemaker.sklearn import SKLearnModel

IMAGE = os.environ["IMAGE"]
ROLE = "arn:aws:iam::111122223333:role/any"
# Two birds: length and depth of the bill in mm, length of the flipper in mm, mass in g.
BIRDS = [[39.1, 18.7, 181.0, 3750.0], [50.0, 15.2, 218.0, 5700.0]]

session = LocalSession()
session.config = {"local": {"local_code": True, "serving_port": int(os.environ["PORT"])}}


def train():
    estimator = Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type="local",
        entry_point="train.py",
        source_dir="sources/measurements",
        hyperparameters={"trees": 20, "bootstrap": False, "note": "it's a test"},
        output_path="file://output",
        sagemaker_session=session,
    )
    estimator.fit({"training": "file://data"})
    return estimator


def endpoint_answers(estimator):
    # Local mode itself has waited for the container; waiting again takes half a minute more.
    predictor = estimator.deploy(1, "local", wait=False)
    answers = {}
    predictor.serializer, predictor.deserializer = CSVSerializer(), CSVDeserializer()
    answers["csv"] = predictor.predict(BIRDS)
    predictor.serializer, predictor.deserializer = JSONSerializer(), JSONDeserializer()
    answers["json"] = predictor.predict({"instances": BIRDS})
    answers["refused"] = predictor.predict({"instances": [[39.1, 18.7, "long", 3750.0]]})
    predictor.serializer, predictor.deserializer = NumpySerializer(), NumpyDeserializer()
    answers["npy"] = predictor.predict(np.array(BIRDS)).tolist()
    predictor.delete_endpoint()
    return answers


def own_functions_answer(estimator):
    """A model for AWS's scikit-learn image, with this one in its place."""
    model = SKLearnModel(
        model_data=estimator.model_data,
        role=ROLE,
        image_uri=IMAGE,
        entry_point="inference.py",
        source_dir="sources/measurements",
        code_location="s3://unused",  # named, or the SDK asks AWS for a bucket; the code is mounted
        sagemaker_session=session,
    )
    predictor = model.deploy(1, "local", wait=False)
    probabilities = predictor.predict(np.array(BIRDS))
    predictor.delete_endpoint()
    return probabilities.tolist()


def transformed(estimator):
    transformer = estimator.transformer(
        instance_count=1,
        instance_type="local",
        strategy="MultiRecord",
        assemble_with="Line",
        accept="text/csv",
        output_path="file://transformed",
    )
    # Logs are what it would ask CloudWatch for.
    transformer.transform("file://batch", content_type="text/csv", split_type="Line", logs=False)
    return {file.name: file.read_text().split() for file in Path("transformed").iterdir()}


def contents(archive):
    with tarfile.open(archive) as tar:
        return sorted(member.name for member in tar if member.isfile())


estimator = train()
result = {
    "model": contents("output/model.tar.gz"),
    "output": contents("output/output.tar.gz"),
    "answers": endpoint_answers(estimator),
    "probabilities": own_functions_answer(estimator),
    "transformed": transformed(estimator),
}
print(json.dumps(result))
