"""Train on this machine with version 3 of the SDK, by the script that the command line names."""

import json
import os
import sys
from pathlib import Path

from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import Mode

source = Path(sys.argv[1])
job = Path("jobs", source.name).resolve()
job.mkdir(parents=True)
trainer = ModelTrainer(
    training_mode=Mode.LOCAL_CONTAINER,
    training_image=os.environ["IMAGE"],
    source_code=SourceCode(source_dir=str(source), entry_script="train.py"),
    compute=Compute(instance_type="local_cpu", instance_count=1),
    hyperparameters={"trees": 20, "criterion": "entropy"},
    local_container_root=str(job),
)
try:
    trainer.train(input_data_config=[InputData(channel_name="training", data_source="data")])
except RuntimeError as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({"model": sorted(file.name for file in (job / "model").iterdir())}))
