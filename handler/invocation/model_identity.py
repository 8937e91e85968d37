"""What a model is called in answers that name it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handler.codecs.tensors import Tensors
from handler.invocation import archive_handler
from handler.invocation.request_types import Request

ARCHIVE_SUFFIX = ".tar.gz"


@dataclass(frozen=True)
class ModelIdentity:
    """A model's name and version.

    Args:
        name: the name.
        version: the version; None where nobody has said one.
    """

    name: str = "model"
    version: str | None = None

    def on(self, envelope: Any, request: Request) -> Any:
        """The form of an answer, with the model's name in it if it is one that names the model.

        SageMaker loads each of many models under a name that it makes up, and hands on the one
        by which the caller asks for it.
        """
        if not isinstance(envelope, Tensors):
            return envelope
        asked = (request.target_model or "").strip().removesuffix(ARCHIVE_SUFFIX)
        return replace(envelope, model=asked or self.name, version=self.version)


def identity_of(model_dir: Path, context: Any, *, multi_model: bool) -> ModelIdentity:
    """What a model is called: of many, as it was loaded; alone, as its manifest says.

    Args:
        model_dir: its folder.
        context: that of its load, or None.
        multi_model: whether models come and go.
    """
    said = archive_handler.said_of_model(model_dir)
    loaded_as = getattr(context, "model_name", None) or "model"
    name = loaded_as if multi_model else said.get("modelName") or loaded_as
    version = said.get("modelVersion")
    return ModelIdentity(str(name), None if version is None else str(version))
