"""A training script, with the type that a checker must know each thing to have."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, assert_type

import numpy as np
import pandas as pd
from pydantic import BaseModel

from byo import (
    Job,
    Paths,
    Signature,
    checkpoint,
    cluster,
    hyperparameter,
    load_checkpoint,
    load_signature,
    masked,
    metric_definitions,
    parse_hyperparameters,
    read_channel,
    report_metric,
    report_metrics,
    reported_metrics,
    save_checkpoint,
    save_signature,
    shard_by_host,
)


@dataclass(frozen=True)
class Hyperparameters:
    """What may be set."""

    max_depth: int | None = hyperparameter(None, least=1, help="None: as deep as it takes")
    criterion: Literal["gini", "entropy"] = "gini"
    test_fraction: float = hyperparameter(0.25, above=0, below=1)


class Modelled(BaseModel):
    """The same by pydantic."""

    max_depth: int = 3


def main() -> None:
    assert_type(parse_hyperparameters(Modelled), Modelled)
    hyperparameters = parse_hyperparameters(Hyperparameters)
    assert_type(hyperparameters, Hyperparameters)
    assert_type(hyperparameters.max_depth, int | None)
    assert_type(masked(asdict(hyperparameters)), dict[str, Any])

    data = read_channel("training", {"x": "number", "label": "string"}, shard=True)
    assert_type(data, pd.DataFrame)
    assert_type(shard_by_host([Path("a.png"), Path("b.png")]), list[Path])

    job = Job.from_environ(os.environ)
    assert_type(job.is_leader, bool)
    assert_type(job.channels["training"].folder, Path)
    assert_type(job.model_dir, Path)

    assert_type(load_checkpoint(), tuple[Any, int] | None)
    assert_type(save_checkpoint({"weights": np.zeros(3)}, 1, keep=2), Path | None)
    assert_type(checkpoint.load_checkpoint(), tuple[Any, int] | None)
    with cluster.connect() as client:
        assert_type(client, Any)

    report_metric("accuracy", 0.97)
    report_metrics({"accuracy": 0.97, "loss": np.float64(0.1)}, step=3)
    assert_type(reported_metrics(), dict[str, float])
    assert_type(metric_definitions(["accuracy"]), list[dict[str, str]])

    model = object()
    signature = save_signature(
        model,
        data,
        metrics=reported_metrics(),
        inference_output=["predicted_label", "probability"],
        model_dir=job.model_dir,
    )
    assert_type(signature, Signature)
    assert_type(load_signature(Paths(Path("/opt/ml")).model), Signature | None)


if __name__ == "__main__":
    main()
