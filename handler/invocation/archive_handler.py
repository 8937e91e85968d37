"""A handler of multi-model-server's own kind: the one that ``MAR-INF/MANIFEST.json`` names.

Archives for multi-model-server bring ``handle(data, context)``, a function or a method of a class.
It is called as that server calls it: once with no data while the model loads, or the class's
``initialize``, then with a list of requests, which here is one request long.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from contract.errors import InvocationError, ModelLoadError, PredictionFailed, UserCodeError
from handler.invocation.user_functions import UserFunctions

logger = logging.getLogger(__name__)

MANIFEST = Path("MAR-INF", "MANIFEST.json")
# multi-model-server 0.4 had its manifest in the archive itself.
LEGACY_MANIFEST, LEGACY_MEMBERS = "MANIFEST.json", {"Engine", "Model"}
DEFAULT_FUNCTION = "handle"
# What packs an archive for SageMaker's own containers names their handlers; ours is in their place.
CONTAINERS_OWN = ("handler.service", "handler_service", "default_handler_service")
# As that server reads a body for its handlers, unless the variable of this name says false.
DECODE_VARIABLE = "MMS_DECODE_INPUT_REQUEST"
# What the user has set it to, where that server's own workers must find it false.
DECODE_AS_SET_VARIABLE = "BYO_DECODE_INPUT_REQUEST"
JSON, TEXT, BINARY = "application/json", "text/plain; charset=utf-8", "application/octet-stream"

Handle = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class ArchiveHandler:
    """The handler that a manifest names.

    Args:
        name: as the manifest has it.
        manifest: the whole manifest, for the handler's context.
        decodes: whether it gets JSON and text as such, and not as bytes.
    """

    name: str
    manifest: dict[str, Any]
    decodes: bool = True

    def functions(self) -> UserFunctions:
        """The handler as functions of the sagemaker-inference contract."""
        return UserFunctions(model_fn=self._load, transform_fn=self._transform)

    def _load(self, model_dir: str, context: Any) -> Handle:
        """Import the handler and have it load its model; the model is what to call."""
        from mms.metrics.metrics_store import MetricsStore  # `serve` only reads manifests

        if model_dir not in sys.path:
            sys.path.insert(0, model_dir)
        module_name, _, function_name = self.name.partition(":")
        function_name = function_name or DEFAULT_FUNCTION
        module = _imported(module_name)
        if context is not None:
            context.manifest = self.manifest
            context.metrics = MetricsStore(uuid.uuid4(), context.model_name)
        function = getattr(module, function_name, None)
        if callable(function):
            function(None, context)
            return function  # type: ignore[no-any-return]
        service = _service_of(module, self.name)
        if hasattr(service, "initialize"):
            service.initialize(context)
        return service.handle  # type: ignore[no-any-return]

    def _transform(
        self, handle: Handle, body: Any, content_type: str | None, accept: str, context: Any
    ) -> tuple[bytes, str]:
        """Answer one request, as a body and its type."""
        from mms.service import PredictionException

        data = {"body": self._read(body, content_type)}
        context.manifest = self.manifest
        try:
            answers = handle([data], context)
        except PredictionException as error:
            raise InvocationError(str(error.message), status=error.error_code) from error
        if not isinstance(answers, list) or len(answers) != 1:
            raise PredictionFailed(
                f"{self.name} must return a list with one answer for each request, and returned "
                f"{type(answers).__name__}"
            )
        return _encoded(answers[0])

    def _read(self, body: Any, content_type: str | None) -> Any:
        if not self.decodes:
            return bytearray(body.encode() if isinstance(body, str) else body)
        essence = (content_type or "").partition(";")[0]
        if essence == JSON:
            return json.loads(body)
        if essence.startswith("text"):
            return body if isinstance(body, str) else bytes(body).decode("utf-8")
        return bytearray(body)


def decodes_bodies(environ: Mapping[str, str]) -> bool:
    """Whether handlers get JSON and text as such."""
    return environ.get(DECODE_AS_SET_VARIABLE, environ.get(DECODE_VARIABLE, "")) != "false"


def find(model_dir: Path, *, decodes: bool = True) -> ArchiveHandler | None:
    """The handler that a model's manifest names; None where there is none but a container's own.

    Raises:
        ModelLoadError: the manifest can't be read, or is of a version that is not served.
    """
    manifest = _read(model_dir / MANIFEST)
    if manifest is None:
        _refuse_legacy(model_dir / LEGACY_MANIFEST)
        return None
    name = _model_in(manifest).get("handler")
    if not name:
        return None
    if not isinstance(name, str):
        raise ModelLoadError(f"{model_dir / MANIFEST}: the model's handler must be text")
    module = name.partition(":")[0].removesuffix(".py").replace("/", ".")
    if module.endswith(CONTAINERS_OWN):
        logger.info("%s is a container's own handler: this one's stands for it", name)
        return None
    return ArchiveHandler(name, manifest, decodes)


def handler_in(module: ModuleType) -> ArchiveHandler | None:
    """The handler in a user's module that has none of SageMaker's functions; None for none.

    The same function, or a class with such a method, that a manifest could name.
    """
    own = [
        one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__
    ]
    classes = [one for one in own if inspect.isclass(one) and hasattr(one, "handle")]
    function = getattr(module, DEFAULT_FUNCTION, None)
    if not (callable(function) and function in own) and len(classes) != 1:
        return None
    return ArchiveHandler(module.__name__, {}, decodes_bodies(os.environ))


def said_of_model(model_dir: Path) -> dict[str, Any]:
    """What a model's manifest says of the model; nothing where there is none that can be read."""
    try:
        return _model_in(_read(model_dir / MANIFEST) or {})
    except ModelLoadError:
        return {}


def _model_in(manifest: dict[str, Any]) -> dict[str, Any]:
    model = manifest.get("model")
    return model if isinstance(model, dict) else {}


def _read(file: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"{file} can't be read: {error}") from None
    if not isinstance(manifest, dict):
        raise ModelLoadError(f"{file} must hold a JSON object")
    return manifest


def _refuse_legacy(file: Path) -> None:
    try:
        manifest = _read(file)
    except ModelLoadError:
        return  # a file of that name that is none of the server's
    if manifest is not None and manifest.keys() >= LEGACY_MEMBERS:
        raise ModelLoadError(
            f"{file} is that of an archive for multi-model-server 0.4, whose services are not "
            "served: write inference.py, or a handler named by MAR-INF/MANIFEST.json"
        )


def _imported(name: str) -> ModuleType:
    """A handler's module: of a path only the last part counts, as multi-model-server has it."""
    module = name.removesuffix(".py").rpartition("/")[2]
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserCodeError(f"{MANIFEST} names the handler {name}, which is not here") from None


def _service_of(module: ModuleType, name: str) -> Any:
    """An instance of the one class that a handler's module defines."""
    classes = [
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__ == module.__name__
    ]
    classes = [one for one in classes if hasattr(one, "handle")] or classes
    if len(classes) != 1 or not hasattr(classes[0], "handle"):
        raise UserCodeError(
            f"{MANIFEST} names the handler {name}: {module.__name__} must define that function, "
            "or one class with a method handle"
        )
    return classes[0]()


def _encoded(answer: Any) -> tuple[bytes, str]:
    """An answer's body as multi-model-server sends it, and a type that says what it is."""
    if isinstance(answer, bytes | bytearray):
        return bytes(answer), BINARY
    if isinstance(answer, str):
        return answer.encode("utf-8"), TEXT
    try:
        return json.dumps(answer, indent=2).encode("utf-8"), JSON
    except (TypeError, ValueError) as error:
        raise PredictionFailed(f"the answer can't be written as JSON: {error}") from error
