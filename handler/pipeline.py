"""A request becomes a response: decode, predict, encode, through the four functions.

The one implementation behind every transport: the stock worker's ``handler.service``, and
anything else that holds a model. It knows no HTTP server and no MMS.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.errors import (
    ByoError,
    InvocationError,
    InvocationTimeout,
    ModelLoadError,
    PayloadTooLarge,
    PredictionFailed,
    UnsupportedContentType,
)
from contract.fitted import signature_of
from contract.settings import MEBIBYTE, ServingSettings
from contract.signature import Signature, load_signature
from contract.usercode import check_names, describe, find_program, import_program
from handler import codecs, functions, toolkit
from handler.blame import Stage, to_invocation_error
from handler.codecs.text import decode_text
from handler.conform import conform
from handler.deadline import DeadlineExceeded, deadline
from handler.functions import Functions, UserFunction
from handler.messages import Request, Response, problem_response

logger = logging.getLogger("byo")

# What the toolkit hands to a user's functions as text rather than as bytes.
TEXT_TYPES = ("application/json", "text/csv")


@dataclass
class _Progress:
    """How far an invocation has come: what an error is judged by."""

    stage: Stage = "input_fn"
    data: Any = None
    envelope: str | None = None
    answer_type: codecs.MediaType | None = None


@dataclass(frozen=True)
class Pipeline:
    """A loaded model with the functions around it."""

    model: Any
    user: Functions = field(default_factory=Functions)
    signature: Signature | None = None
    settings: ServingSettings = field(default_factory=ServingSettings)

    @classmethod
    def load(cls, model_dir: Path, settings: ServingSettings, context: Any = None) -> Pipeline:
        """Load a model directory: the user's module, the signature, the model.

        Raises:
            UserCodeError, SignatureError, ModelLoadError: say in one line what is wrong.
            MemoryError: there is not enough memory for the model.
        """
        check_names([model_dir])
        program = find_program(settings.code_directories(model_dir), settings.program)
        with _told_by_place(program):
            module = import_program(program) if program else None
            user = Functions.of_module(module)
            functions.lend_to_main(module)
            toolkit.forbid_unpickling()
            signature = load_signature(model_dir)
            for warning in signature.version_warnings() if signature else ():
                logger.warning(warning)
            model = _load_model(user, model_dir, context)
            if not (user.predict_fn or user.transform_fn):
                functions.prediction_method(model)
        logger.info(
            "model of type %s; functions of %s: %s; signature: %s",
            type(model).__name__,
            program or "no module",
            ", ".join(user.names()) or "none",
            "read" if signature else "none",
        )
        return cls(model, user, signature or signature_of(model), settings)

    def invoke(self, request: Request, context: Any = None) -> Response:
        """Answer one invocation; never raises for what a request or user code does."""
        progress = _Progress()
        try:
            with deadline(self.settings.timeout):
                return self._answer(request, progress, context)
        except DeadlineExceeded:
            problem: InvocationError = InvocationTimeout(
                f"the invocation took longer than {self.settings.timeout} s"
            )
            logger.error("[%s] %s", request.request_id, problem.detail, exc_info=True)
        except (Exception, SystemExit) as error:
            problem = self._judge(error, progress, request)
        return problem_response(problem, request.request_id)

    def _answer(self, request: Request, progress: _Progress, context: Any) -> Response:
        self._check(request)
        if self.user.transform_fn:
            progress.stage = "transform_fn"
            return self._transform(self.user.transform_fn, request, context)
        if self.user.output_fn is None:
            # Before the model works for an answer that can't be given.
            progress.answer_type = self._negotiated(request.accept)
        progress.data = self._read(request, progress, context)
        progress.stage = "predict_fn"
        prediction = self._predict(progress.data, context)
        progress.stage = "output_fn"
        return self._write(prediction, request, progress, context)

    def _check(self, request: Request) -> None:
        """What can be said of a request before anything is read."""
        limit = self.settings.max_payload
        if len(request.body) > limit:
            raise PayloadTooLarge(
                f"the body has {len(request.body)} bytes, {limit} are allowed "
                f"({limit // MEBIBYTE} MB, SAGEMAKER_MAX_PAYLOAD_IN_MB)"
            )
        if (request.content_encoding or "identity").lower() != "identity":
            raise UnsupportedContentType(
                f"content encoding {request.content_encoding!r} is not read here: "
                "send the body as it is"
            )

    def _predict(self, data: Any, context: Any) -> Any:
        if self.user.predict_fn is None:
            prediction = functions.predict(data, self.model)
            if self.user.input_fn is None:
                _check_length(prediction, data)
            return prediction
        prediction = self.user.predict_fn(data, self.model, context)
        if prediction is None:
            raise PredictionFailed("predict_fn returned nothing: does it lack a return?")
        return prediction

    def _read(self, request: Request, progress: _Progress, context: Any) -> Any:
        if self.user.input_fn:
            essence, body = _as_users_expect(request)
            return self.user.input_fn(body, essence, context)
        decoded = codecs.decode(request.body, request.content_type, self.signature)
        progress.envelope = decoded.envelope
        return conform(decoded.data, self.signature)

    def _write(
        self, prediction: Any, request: Request, progress: _Progress, context: Any
    ) -> Response:
        if self.user.output_fn:
            accept = self._preferred(request)
            result = self.user.output_fn(prediction, accept, context)
            return self._users_response(result, request)
        media = progress.answer_type or self._negotiated(request.accept)
        return self._encoded(prediction, media, progress.envelope)

    def _transform(self, transform: UserFunction, request: Request, context: Any) -> Response:
        essence, body = _as_users_expect(request)
        result = transform(self.model, body, essence, self._preferred(request), context)
        return self._users_response(result, request)

    def _preferred(self, request: Request) -> str:
        default = self.settings.default_accept
        wanted = codecs.preferences(request.accept, default)
        return wanted[0].essence if wanted else default

    def _users_response(self, result: Any, request: Request) -> Response:
        """What a user's output_fn or transform_fn returned, in any of the forms toolkits take.

        A body; a pair of body and content type; a response object with ``get_data`` and
        ``mimetype``, as AWS's scikit-learn image takes; or a prediction still to be encoded.
        """
        if result is None:
            raise PredictionFailed("the answer is nothing: does output_fn lack a return?")
        content_type, status = None, 200
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
            result, content_type = result
        elif hasattr(result, "get_data") and hasattr(result, "mimetype"):
            status = int(getattr(result, "status_code", 200))
            result, content_type = result.get_data(), result.mimetype
        if isinstance(result, str):
            result = result.encode("utf-8")
        if isinstance(result, bytes | bytearray | memoryview):
            return Response(bytes(result), content_type or self._preferred(request), status)
        return self._encoded(result, self._negotiated(content_type or request.accept))

    def _negotiated(self, accept: str | None) -> codecs.MediaType:
        return codecs.negotiate(accept, self.settings.default_accept)

    def _encoded(
        self, prediction: Any, media: codecs.MediaType, envelope: str | None = None
    ) -> Response:
        body, full_type = codecs.encode(
            prediction, media, signature=self.signature, envelope=envelope
        )
        return Response(body, full_type)

    def _judge(
        self, error: BaseException, progress: _Progress, request: Request
    ) -> InvocationError:
        users_own = getattr(self.user, progress.stage) is not None
        problem = to_invocation_error(error, progress.stage, progress.data, users_own=users_own)
        if problem.status >= 500:
            logger.error("[%s] %s", request.request_id, problem.detail, exc_info=error)
        else:
            logger.info("[%s] %d %s", request.request_id, problem.status, problem.detail)
        return problem


def _check_length(prediction: Any, data: Any) -> None:
    """A prediction for each row, or it belongs to no row: a model that was given another thing
    than it was fitted on may answer all the same.
    """
    given = data.shape[0]
    shape = getattr(prediction, "shape", None)
    answered = shape[0] if shape else len(prediction) if isinstance(prediction, list) else given
    if answered != given:
        raise PredictionFailed(f"the model gave {answered} predictions for {given} rows")


def _as_users_expect(request: Request) -> tuple[str | None, str | bytes]:
    """Content type and body as the toolkit hands them on: no parameters, text where it is text."""
    try:
        media = codecs.MediaType.parse(request.content_type or "")
    except ValueError:  # a type that only the user's own function may know
        return request.content_type, request.body
    if media.essence not in TEXT_TYPES:
        return media.essence, request.body
    return media.essence, decode_text(request.body, media)


def _load_model(user: Functions, model_dir: Path, context: Any) -> Any:
    if user.pre_model_fn:
        user.pre_model_fn(str(model_dir), context)
    with _logged_warnings():
        if user.model_fn:
            model = user.model_fn(str(model_dir), context)
        else:
            model = functions.load_artifact(model_dir)
    if user.model_warmup_fn:
        user.model_warmup_fn(str(model_dir), model, context)
    return model


@contextmanager
def _told_by_place(program: Path | None) -> Iterator[None]:
    """Whatever a user's code raises while loading, as one line with the user's own file and line.

    Raises:
        ModelLoadError: in place of any exception that is not ours already.
    """
    try:
        yield
    except (ByoError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        folder = program.parent if program else None
        raise ModelLoadError(describe(error, folder)) from error


@contextmanager
def _logged_warnings() -> Iterator[None]:
    """Warnings of a load, such as scikit-learn's of another version, as single log lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(" ".join(str(each.message).split()) for each in caught):
        logger.warning(text)
