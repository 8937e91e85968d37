"""Train a classifier that tells a penguin's species from what was measured on it.

In a training job the arguments come from the hyperparameters, and the two folders from
SageMaker. By hand: python train.py --training sample/input/data/training --model_dir /tmp/model
"""

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from byo import save_signature

# ---- Edit from here: your columns, your hyperparameters, your model. --------------------

TARGET = "species"
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
CATEGORIES = ["island", "sex"]


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--regularization", type=float, default=1.0, help="larger: simpler")
    parser.add_argument("--test_fraction", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    # The folders: one for each channel of data, and the one whose files become the model.
    parser.add_argument("--training", default=os.environ.get("SM_CHANNEL_TRAINING"))
    parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
    return parser.parse_args()


def make_model(regularization):
    """Everything from the raw columns to the prediction in one object: nothing to repeat."""
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
        # A missing category is a category of its own; one never seen before counts as none.
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
    )
    return make_pipeline(columns, LogisticRegression(C=1 / regularization, max_iter=1000))


# ---- Below this line most algorithms stay as they are. ----------------------------------


def main():
    args = parse_arguments()
    files = sorted(Path(args.training).glob("*.csv"))
    data = pd.concat([pd.read_csv(file) for file in files], ignore_index=True)
    X_train, X_test, y_train, y_test = train_test_split(
        data[CATEGORIES + NUMBERS],
        data[TARGET],
        test_size=args.test_fraction,
        random_state=args.seed,
        stratify=data[TARGET],
    )
    model = make_model(args.regularization).fit(X_train, y_train)

    metrics = {
        "accuracy": accuracy_score(y_test, model.predict(X_test)),
        "log_loss": log_loss(y_test, model.predict_proba(X_test), labels=model.classes_),
    }
    for name, value in metrics.items():
        print(f"{name}={value:.4f};")  # SageMaker reads metrics from lines like these

    joblib.dump(model, Path(args.model_dir) / "model.joblib")
    save_signature(model, X_train, y_train, metrics=metrics, model_dir=args.model_dir)


if __name__ == "__main__":
    main()
