"""Train by a script that has a mistake in it, and tell what the SDK says."""

import json
import os
import tarfile

from sagemaker.estimator import Estimator
from sagemaker.local import LocalSession

session = LocalSession()
session.config = {"local": {"local_code": True}}
estimator = Estimator(
    image_uri=os.environ["IMAGE"],
    role="arn:aws:iam::111122223333:role/any",
    instance_count=1,
    instance_type="local",
    entry_point="train.py",
    source_dir="sources/mistaken",
    output_path="file://output",
    sagemaker_session=session,
)
try:
    estimator.fit({"training": "file://data"})
except RuntimeError as error:
    with tarfile.open("output/output.tar.gz") as tar:
        failure = tar.extractfile("failure").read().decode()
    print(json.dumps({"error": str(error), "failure": failure}))
