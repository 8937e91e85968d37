"""A forest, by all that training_entry and contract offer to a script."""

import os
from dataclasses import dataclass
from typing import Literal

import joblib
from sklearn.ensemble import RandomForestClassifier

from byo import (
    Job,
    cluster,
    hyperparameter,
    parse_hyperparameters,
    read_channel,
    report_metrics,
    reported_metrics,
    save_signature,
)

MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


@dataclass(frozen=True)
class Hyperparameters:
    trees: int = hyperparameter(10, least=1)
    criterion: Literal["gini", "entropy"] = "gini"


def main():
    chosen = parse_hyperparameters(Hyperparameters)
    penguins = read_channel("training").dropna(subset=MEASUREMENTS)
    X, y = penguins[MEASUREMENTS], penguins["species"]
    model = RandomForestClassifier(chosen.trees, criterion=chosen.criterion, random_state=0)
    with cluster.connect():
        model.fit(X, y)
    report_metrics({"accuracy": model.score(X, y), "trees": len(model.estimators_)})

    job = Job.from_environ(os.environ)
    joblib.dump(model, job.model_dir / "model.joblib")
    save_signature(model, X, y, metrics=reported_metrics(), model_dir=job.model_dir)
    print(f"trained on {job.current_host} by the {chosen.criterion} criterion")


if __name__ == "__main__":
    main()
