"""Train a regression that also knows how far off it usually is.

By hand: python train.py --training sample/input/data/training --model_dir /tmp/model
"""

import argparse
import json
import os
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from byo import save_signature

TARGET = "target"


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float, default=10.0, help="strength of the ridge")
    parser.add_argument("--coverage", type=float, default=0.9, help="share of true values inside")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--training", default=os.environ.get("SM_CHANNEL_TRAINING"))
    parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
    return parser.parse_args()


def main():
    args = parse_arguments()
    files = sorted(Path(args.training).glob("*.csv"))
    data = pd.concat([pd.read_csv(file) for file in files], ignore_index=True)
    X, y = data.drop(columns=TARGET), data[TARGET]
    model = make_pipeline(StandardScaler(), Ridge(alpha=args.alpha))

    # Each row is predicted by a model that has not seen it: these errors are honest ones.
    folds = KFold(n_splits=10, shuffle=True, random_state=args.seed)
    errors = np.abs(y - cross_val_predict(model, X, y, cv=folds))
    half_width = float(np.quantile(errors, args.coverage))
    metrics = {"mean_absolute_error": float(errors.mean()), "half_width": half_width}
    for name, value in metrics.items():
        print(f"{name}={value:.2f};")

    model_dir = Path(args.model_dir)
    joblib.dump(model.fit(X, y), model_dir / "model.joblib")
    (model_dir / "interval.json").write_text(
        json.dumps({"coverage": args.coverage, "half_width": half_width}), encoding="utf-8"
    )
    save_signature(model, X, y, metrics=metrics, model_dir=model_dir)


if __name__ == "__main__":
    main()
