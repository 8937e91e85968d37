"""A scikit-learn model behind sagemaker-inference's own handler service."""

from pathlib import Path

import joblib
import numpy as np
from sagemaker_inference.default_handler_service import DefaultHandlerService
from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
from sagemaker_inference.transformer import Transformer


class InferenceHandler(DefaultInferenceHandler):
    def default_model_fn(self, model_dir, context=None):
        return joblib.load(Path(model_dir) / "model.joblib")

    def default_predict_fn(self, data, model, context=None):
        return model.predict(np.atleast_2d(data))


service = DefaultHandlerService(transformer=Transformer(InferenceHandler()))
initialized = False


def handle(data, context):
    global initialized
    if not initialized:
        service.initialize(context)
        initialized = True
    return service.handle(data, context) if data else None
