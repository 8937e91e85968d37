"""An `inference.py` as it is written for AWS's images: its own `predict_fn`, with probabilities.

It answers with the likeliest class, so that every stack's answer can be compared.
"""

from pathlib import Path

import joblib
import numpy as np


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(data, model):
    probabilities = model.predict_proba(np.atleast_2d(data))
    return model.classes_[probabilities.argmax(axis=1)]
