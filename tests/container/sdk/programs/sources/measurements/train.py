"""A forest that tells the species of a penguin from its measurements alone."""

import argparse
import json
import os
from pathlib import Path

import joblib
import pandas as pd
from columns import MEASUREMENTS, SPECIES
from sklearn.ensemble import RandomForestClassifier

from contract import save_signature

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int)
parser.add_argument("--bootstrap", type=lambda text: text == "True")
parser.add_argument("--note")
arguments = parser.parse_args()

penguins = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAINING"]) / "penguins.csv")
penguins = penguins.dropna(subset=MEASUREMENTS)
X, y = penguins[MEASUREMENTS], penguins[SPECIES]
model = RandomForestClassifier(arguments.trees, bootstrap=arguments.bootstrap, random_state=0)
model.fit(X, y)
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
save_signature(model, X, y, model_dir=os.environ["SM_MODEL_DIR"])

print(f"{len(model.estimators_)} trees, bootstrap {model.bootstrap}, note: {arguments.note}")
(Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "report.json").write_text(json.dumps({"rows": len(X)}))
