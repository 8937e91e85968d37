"""Loading a model folder as a host does it, and what shows whether anything of it was run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contract.settings import ServingSettings
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request

X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
y = [0, 0, 1, 1]
NOWHERE = Path("/nowhere")


@dataclass
class Trap:
    """Whatever unpickles it leaves a mark."""

    mark: Path

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def load(folder: Path, **settings: Any) -> Any:
    return load_pipeline(folder, replace(ServingSettings(algorithm_dir=NOWHERE), **settings))


def answer(pipeline: Any, body: bytes = b"0,0\n3,0\n") -> bytes:
    response = pipeline.invoke(Request(body, "text/csv", "application/json"))
    assert response.status == 200, response.body
    return bytes(response.body)


def skops_alone() -> dict[str, Any]:
    return {"model_formats": ("skops",)}
