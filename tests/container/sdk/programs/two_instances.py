"""Train on two instances, deploy with functions of one's own and transform, all by way of S3."""

import json
import os

from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.local import LocalSession
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import CSVSerializer

session = LocalSession(default_bucket="penguins")
session.config = {"local": {"serving_port": int(os.environ["PORT"])}}
estimator = Estimator(
    image_uri=os.environ["IMAGE"],
    role="arn:aws:iam::111122223333:role/any",
    instance_count=2,
    instance_type="local",
    entry_point="train.py",
    source_dir="sources/search",
    sagemaker_session=session,
)
estimator.fit({"training": session.upload_data("data", key_prefix="training")})

predictor = estimator.deploy(
    1,
    "local",
    wait=False,
    entry_point="inference.py",
    source_dir="sources/measurements",
    serializer=CSVSerializer(),
    deserializer=JSONDeserializer(),
)
probabilities = predictor.predict([[39.1, 18.7, 181.0, 3750.0]])
predictor.delete_endpoint()

transformer = estimator.transformer(
    1, "local", strategy="MultiRecord", assemble_with="Line", accept="text/csv"
)
batch = session.upload_data("batch/header.csv", key_prefix="batch")
transformer.transform(batch, content_type="text/csv", split_type="Line", logs=False)
(written,) = S3Downloader.list(transformer.output_path, sagemaker_session=session)
lines = S3Downloader.read_file(written, sagemaker_session=session).split()

print(
    json.dumps(
        {"model": estimator.model_data, "probabilities": probabilities, "transformed": lines}
    )
)
