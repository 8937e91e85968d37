"""The classic container's flask application: pandas reads, the model predicts, pandas writes."""

import io
import os
from pathlib import Path

import flask
import joblib
import pandas as pd

app = flask.Flask(__name__)
model = joblib.load(Path(os.environ["MODEL_DIR"]) / "model.joblib")


@app.get("/ping")
def ping():
    return flask.Response("\n", mimetype="application/json")


@app.post("/invocations")
def invocations():
    if flask.request.content_type != "text/csv":
        return flask.Response("only CSV is supported\n", status=415, mimetype="text/plain")
    rows = pd.read_csv(io.StringIO(flask.request.data.decode()), header=None)
    predictions = model.predict(rows.to_numpy())
    answer = pd.DataFrame(predictions).to_csv(header=False, index=False)
    return flask.Response(answer, mimetype="text/csv")
