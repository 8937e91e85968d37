"""The `inference.py` of a scikit-learn model served by sagemaker-inference as it comes.

The toolkit has no default for these two functions. Its decoder makes one row of CSV an array of
one dimension, which scikit-learn refuses.
"""

from pathlib import Path

import joblib
import numpy as np


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(data, model):
    return model.predict(np.atleast_2d(data))
