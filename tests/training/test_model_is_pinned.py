"""Training notes what each file of the model is, for serving to see that it still is."""

from __future__ import annotations

import subprocess

import pytest

from contract.model_pins import FILE_NAME

pytestmark = pytest.mark.slow

SCRIPT = """
import os
from pathlib import Path

model = Path(os.environ["SM_MODEL_DIR"])
(model / "code").mkdir()
(model / "code" / "inference.py").write_text("")
(model / "model.joblib").write_bytes(b"model")
(model / "SHA256SUMS").write_text("of the script's own")
if {link}:
    (model / "out").symlink_to("/etc/hostname")
raise SystemExit({code})
"""


def submit(job, *, link: bool = False, code: int = 0):
    source = job.base.parent / "source"
    source.mkdir()
    (source / "mine.py").write_text(SCRIPT.format(link=link, code=code))
    job.hyperparameters = {
        "sagemaker_program": "mine.py",
        "sagemaker_submit_directory": str(source),
    }
    return job.run()


def test_every_file_is_pinned(job):
    """By what sha256sum itself finds in the folder."""
    assert submit(job) == 0, job.log

    folder = job.base / "model"
    command = ["sha256sum", "--check", "--strict", FILE_NAME]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == ["code/inference.py: OK", "model.joblib: OK"]
    assert f"The model's files are pinned in {FILE_NAME} (2)" in job.log


def test_what_can_not_be_pinned_fails_no_job(job):
    """The log says why there are no pins; those of the script's own would be of other files."""
    assert submit(job, link=True) == 0, job.log

    assert not (job.base / "model" / FILE_NAME).exists()
    assert f"The model has no {FILE_NAME}: out in " in job.log
    assert job.succeeded


@pytest.mark.parametrize(("code", "pins"), [(3, "check"), (0, "off")])
def test_no_pins(job, code, pins):
    """A failed job's files are no model, and a setting leaves pins out."""
    job.environ["BYO_MODEL_PINS"] = pins

    assert submit(job, code=code) == code, job.log

    assert (job.base / "model" / FILE_NAME).read_text() == "of the script's own"
