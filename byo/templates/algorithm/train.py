"""Train a classifier: SageMaker runs this script, with the hyperparameters as its arguments."""

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from byo import save_signature


def main() -> None:
    """Read the channel `training`, fit a model, and leave it in the model directory."""
    options = parse_arguments()
    data = read_channel(options.training)
    if options.target not in data:
        raise SystemExit(f"there is no column {options.target!r}: there are {list(data)}")
    data = data.dropna(subset=[options.target])
    X, y = data.drop(columns=options.target), data[options.target]

    model = make_model(options)
    accuracy = cross_val_score(model, X, y, cv=3, error_score="raise").mean()
    print(f"accuracy={accuracy:.4f};")  # SageMaker reads metrics from lines like this one

    model.fit(X, y)
    joblib.dump(model, options.model_dir / "model.joblib")
    # The columns' names and types, an example row, the versions: serving checks requests by them.
    save_signature(model, X, y, metrics={"accuracy": accuracy}, model_dir=options.model_dir)


def parse_arguments() -> argparse.Namespace:
    """The hyperparameters, and the folders that SageMaker names in the environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="cultivar", help="the column to predict")
    parser.add_argument("--n_estimators", type=int, default=100)
    parser.add_argument("--max_depth", type=int, default=None)
    # A channel's folder is in SM_CHANNEL_ and its name: add one option for each of yours.
    parser.add_argument("--training", type=Path, default=os.environ.get("SM_CHANNEL_TRAINING"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    return parser.parse_args()


def make_model(options: argparse.Namespace) -> Pipeline:
    """Everything from the raw columns to the prediction in one object: nothing to repeat."""
    columns = make_column_transformer(
        # A missing number becomes the median of its column.
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
        # Text: a column for each word there is; a word never seen before counts as none.
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    forest = RandomForestClassifier(
        n_estimators=options.n_estimators, max_depth=options.max_depth, random_state=0
    )
    return make_pipeline(columns, forest)


def read_channel(folder: Path | None) -> pd.DataFrame:
    """All CSV files of a channel, one below the other."""
    files = sorted(folder.glob("*.csv")) if folder else []
    if not files:
        raise SystemExit(f"the channel training holds no .csv file (its folder: {folder})")
    # Semicolons and decimal commas: pd.read_csv(file, sep=";", decimal=",").
    return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)


if __name__ == "__main__":
    main()
