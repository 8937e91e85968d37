"""`byo transform --image`: a container of the image, which is told of its job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from byo.child_processes import with_packages

# Answers each line with what the container was told.
INFERENCE = """
import os

NAMES = ("SAGEMAKER_BATCH", "SAGEMAKER_MAX_PAYLOAD_IN_MB", "SAGEMAKER_BATCH_STRATEGY",
         "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "OF_THE_TEST")


def model_fn(model_dir):
    return "a model"


def transform_fn(model, body, content_type, accept):
    told = ",".join(os.environ.get(name, "-") for name in NAMES)
    return "".join(f"{line},{told}\\n" for line in body.splitlines()), accept
"""
JOB = ("--split-type", "line", "--assemble-with", "line", "--accept", "text/csv")


def test_a_container_of_the_image_transforms(tmp_path: Path, image: str) -> None:
    """With SageMaker's variables for what the job sets, and the job's own."""
    (tmp_path / "model/code").mkdir(parents=True)
    (tmp_path / "model/code/inference.py").write_text(INFERENCE)
    (tmp_path / "a.csv").write_text("1\n2\n3\n")
    command = [sys.executable, "-P", "-m", "byo", "transform", "a.csv", "out", *JOB]
    more = ["--batch-strategy", "single-record", "--max-payload", "2", "--env", "OF_THE_TEST=yes"]

    done = subprocess.run(
        [*command, *more, "--image", image, "--model", "model"],
        cwd=tmp_path,
        env=with_packages(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )

    assert done.returncode == 0, done.stderr
    told = "true,2,SINGLE_RECORD,-,yes"
    assert (tmp_path / "out/a.csv.out").read_text() == f"1,{told}\n2,{told}\n3,{told}\n"
