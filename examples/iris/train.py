"""Train a decision tree on rows without a header whose first column is the label.

By hand: python train.py --training sample/input/data/training --model_dir /tmp/model
"""

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--max_leaf_nodes", type=int)
parser.add_argument("--training", default=os.environ.get("SM_CHANNEL_TRAINING"))
parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
args = parser.parse_args()

files = sorted(Path(args.training).glob("*.csv"))
data = pd.concat([pd.read_csv(file, header=None) for file in files])
labels, features = data[0].to_numpy(), data.drop(columns=0).to_numpy()

tree = DecisionTreeClassifier(max_leaf_nodes=args.max_leaf_nodes, random_state=0)
print(f"accuracy={cross_val_score(tree, features, labels).mean():.4f};")

joblib.dump(tree.fit(features, labels), Path(args.model_dir) / "model.joblib")
