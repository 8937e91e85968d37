"""All four functions, written as for SageMaker's own scikit-learn image.

The answer to each row is a prediction with an interval around it. Every function here takes
the trailing `context`; without it they would work as well.
"""

import io
import json
from pathlib import Path

import joblib
import pandas as pd
from sagemaker_inference import content_types, errors


def model_fn(model_dir, context):
    """Load what train.py saved: the pipeline, and the half width of its interval."""
    interval = json.loads((Path(model_dir) / "interval.json").read_text(encoding="utf-8"))
    return joblib.load(Path(model_dir) / "model.joblib"), interval["half_width"]


def input_fn(body, content_type, context):
    """Read rows with names: CSV with a header line, or a JSON list of objects."""
    if content_type == content_types.CSV:
        return pd.read_csv(io.StringIO(body))
    if content_type == content_types.JSON:
        return pd.DataFrame(json.loads(body))
    raise errors.GenericInferenceToolkitError(
        415, f"content type {content_type} is not read here: send text/csv or application/json"
    )


def predict_fn(data, model, context):
    """Predict each row, with the interval in which the true value usually lies."""
    pipeline, half_width = model
    missing = [name for name in pipeline.feature_names_in_ if name not in data.columns]
    if missing:
        raise errors.GenericInferenceToolkitError(422, f"columns are missing: {', '.join(missing)}")
    prediction = pipeline.predict(data[list(pipeline.feature_names_in_)])
    return pd.DataFrame(
        {
            "prediction": prediction,
            "low": prediction - half_width,
            "high": prediction + half_width,
        }
    ).round(1)


def output_fn(prediction, accept, context):
    """Write CSV with a header line where that is accepted, else JSON."""
    if content_types.CSV in accept:
        return prediction.to_csv(index=False), content_types.CSV
    return prediction.to_json(orient="records"), content_types.JSON
