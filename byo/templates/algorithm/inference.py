"""How the model is served. Every function here is optional: without this file the defaults serve.

    model_fn(model_dir)                  load the model; default: model.joblib
    input_fn(body, content_type)         bytes to data; default: CSV, JSON, Parquet and more
    predict_fn(data, model)              data to predictions; default: model.predict
    output_fn(prediction, accept)        predictions to bytes; default: what the client accepts

Each may take one more argument, `context`. Define only what differs from the default.
Probabilities in place of labels need none of them, but SAGEMAKER_INFERENCE_OUTPUT=probabilities,
or `inference_output="probabilities"` for save_signature in train.py. A threshold of your own does:

    def predict_fn(data, model):
        return model.predict_proba(data)[:, 1] > 0.2

    predict_fn.batchable = True          # a row's answer does not depend on the rows beside it
"""
