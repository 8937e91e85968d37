"""Runs users' scripts on a table of requests: under AWS's handler service, or under ours.

A program of its own, which forks for each script, as that is imported as `inference` and changes
what it likes. The first argument says under which; the others are folders of models, with the
script in `code/`. Requests come as JSON on standard input; the answers go to a file in each folder.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]
Answer = dict[str, Any]
Run = Callable[[Path, list[Request]], list[Answer]]

# What takes long to import, once for all scripts; nothing of it holds a script.
IMPORTED = {
    "aws": ("sagemaker_inference.default_handler_service", "sklearn.tree", "joblib"),
    "ours": ("handler.invocation.pipeline", "handler.invocation.context", "sklearn.tree", "joblib"),
}


def under_aws(model_dir: Path, requests: list[Request]) -> list[Answer]:
    """What the toolkit's own handler service answers in multi-model-server's own worker, with the
    default prediction of AWS's scikit-learn image.
    """
    from mms.context import RequestProcessor
    from mms.service import Service
    from sagemaker_inference.default_handler_service import DefaultHandlerService
    from sagemaker_inference.default_inference_handler import DefaultInferenceHandler
    from sagemaker_inference.transformer import Transformer

    class Defaults(DefaultInferenceHandler):
        def default_predict_fn(self, data: Any, model: Any, context: Any = None) -> Any:
            return model.predict(data)

    sys.path.insert(0, str(model_dir / "code"))
    handler = DefaultHandlerService(Transformer(Defaults()))
    service = Service("model", str(model_dir), None, handler.handle, None, 1)
    handler.initialize(service.context)
    answers = []
    for request in requests:
        context = service.context
        context.request_ids = {0: "id"}
        context.request_processor = [RequestProcessor(dict(request["headers"]))]
        body = bytearray(request["body"].encode("latin-1"))
        [returned] = handler.handle([{"body": body}], context)
        status, _ = context.get_response_status(0)
        try:
            written = _as_the_worker_writes(returned)
        except TypeError:
            status, written = 503, b""
        answers.append(_answer(status, context.get_response_content_type(0), written))
    return answers


def under_ours(model_dir: Path, requests: list[Request]) -> list[Answer]:
    """What this project answers, but for its processes and the frontend."""
    from contract.settings import ServingSettings
    from handler.invocation.context import InvocationContext, ModelContext, report, request_of
    from handler.invocation.pipeline_loading import load_pipeline
    from handler.invocation.request_types import headers_of

    settings = ServingSettings.from_environ(os.environ)
    pipeline = load_pipeline(model_dir, settings, ModelContext("model", model_dir))
    answers = []
    for request in requests:
        headers = request["headers"]
        context = InvocationContext("model", model_dir, "id", headers)
        parts = {"body": request["body"].encode("latin-1")}
        response = pipeline.invoke(request_of(parts, headers_of(headers), "id"), context)
        report(response, context)
        status, _ = context.get_response_status(0)
        content_type = context.get_response_content_type(0)
        answers.append(_answer(status, content_type, response.body))
    return answers


def _as_the_worker_writes(returned: Any) -> bytes:
    if isinstance(returned, bytes | bytearray):
        return bytes(returned)
    if isinstance(returned, str):
        return returned.encode()
    return json.dumps(returned, indent=2).encode()


def _answer(status: int, content_type: str | None, body: bytes) -> Answer:
    return {"status": status, "type": content_type, "body": body.decode("latin-1")}


def main() -> None:
    """The program; its exit code says whether all scripts were run."""
    which, *folders = sys.argv[1:]
    requests = json.load(sys.stdin)
    run = {"aws": under_aws, "ours": under_ours}[which]
    for module in IMPORTED[which]:
        importlib.import_module(module)
    codes = [_forked(run, Path(folder), requests, which) for folder in folders]
    sys.exit(max(codes))


def _forked(run: Run, folder: Path, requests: list[Request], which: str) -> int:
    """Run one script in a child; its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            text = json.dumps(run(folder, requests))
            (folder / f"{which}.json").write_text(text, encoding="utf-8")
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()
