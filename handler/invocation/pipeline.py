"""A request becomes a response: decode, predict, encode, through the four functions.

The one implementation behind every transport: the stock worker's ``handler.service``, and
anything else that holds a model. It knows no HTTP server and no MMS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import pandas as pd
from scipy import sparse

from contract import json_output
from contract.errors import (
    InvocationError,
    InvocationTimeout,
    PayloadTooLarge,
    PredictionFailed,
    UnforeseenValue,
    UnsupportedContentType,
)
from contract.estimators.first_pipeline_steps import first_parts, is_known
from contract.estimators.independent_rows import why_together
from contract.estimators.model_inputs import ModelInput, describe
from contract.log_context import AT_WORK
from contract.machine import MEBIBYTE
from contract.settings import ServingSettings
from contract.signature import Signature
from handler import codecs
from handler.codecs.column_table import as_frame
from handler.invocation import (
    asked_output,
    execution_parameters,
    library_configuration,
)
from handler.invocation.blame import to_invocation_error
from handler.invocation.default_prediction import predictor_of
from handler.invocation.examples import examples_for
from handler.invocation.failure_log import log_failure
from handler.invocation.invocation_progress import Invocation
from handler.invocation.model_identity import ModelIdentity
from handler.invocation.model_input import conform, is_texts_alone, written_out
from handler.invocation.model_loading import told_by_place
from handler.invocation.names_at_fault import names_at_fault
from handler.invocation.payload_mask import PayloadMask
from handler.invocation.request_types import Request, Response, problem_response
from handler.invocation.user_functions import UserFunction, UserFunctions
from handler.invocation.users_answer import UsersAnswer
from handler.invocation.what_user_functions_see import as_users_expect, without_charset
from handler.processes.invocation_time_limit import DeadlineExceeded, deadline

# What reading a value raises that nobody has thought of.
_UNFORESEEN = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)

Limit = Callable[[float], AbstractContextManager[None]]
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Pipeline:
    """A loaded model with the functions around it.

    Args:
        model: what model_fn gave.
        user: the user's functions.
        signature: what the model takes and gives, as far as that is known.
        settings: the serving settings.
        limit: what bounds the time of a step that may run user code.
        configuration: scikit-learn's that the model shows to need, and that is not set.
        code: the folders of the user's code.
        identity: what the model is called.
    """

    model: Any
    user: UserFunctions = field(default_factory=UserFunctions)
    signature: Signature | None = None
    settings: ServingSettings = field(default_factory=ServingSettings)
    limit: Limit = deadline
    configuration: Mapping[str, Any] = field(default_factory=dict)
    code: Sequence[Path] = ()
    identity: ModelIdentity = field(default_factory=ModelIdentity)
    _has_answered: set[bool] = field(default_factory=set)

    def execution_parameters(self) -> dict[str, Any] | None:
        """What the user's ``execution_parameters_fn`` says; None where there is none.

        It returns the parameters, their JSON, or a response object as AWS's image takes it.

        Raises:
            UserCodeError: it says nothing that could be meant.
        """
        if self.user.execution_parameters_fn is None:
            return None
        with told_by_place(()):
            return execution_parameters.read(self.user.execution_parameters_fn())

    def limited_by(self, limit: Limit) -> Pipeline:
        """The same pipeline, its time bounded in another way."""
        return replace(self, limit=limit)

    def invoke(self, request: Request, context: Any = None) -> Response:
        """Answer one invocation; never raises for what a request or user code does."""
        return self.answer(Invocation(request, context))

    def answer(self, invocation: Invocation) -> Response:
        """Take an invocation all the way; never raises for what a request or user code does."""
        return self.attempt(invocation, self._answer)

    def attempt(
        self, invocation: Invocation, step: Callable[[Invocation], Outcome], limited: bool = True
    ) -> Outcome | Response:
        """What a step gives, or the response that says why it failed.

        Args:
            invocation: whose step it is.
            step: the step.
            limited: whether it may take long, since user code runs or the model.
        """
        AT_WORK.request_id = invocation.request.request_id
        try:
            if not limited:
                return step(invocation)
            with self.limit(self.settings.timeout):
                return step(invocation)
        except DeadlineExceeded as error:
            return self.timed_out(invocation, error)
        except BaseException as error:
            problem = self._judge(error, invocation)
        finally:
            if limited:
                json_output.finish()
            AT_WORK.request_id = None
        return problem_response(problem, invocation.request.request_id)

    def timed_out(self, invocation: Invocation, error: BaseException) -> Response:
        """The answer to an invocation that took too long, and where it was when it had to end."""
        problem = InvocationTimeout(f"the invocation took longer than {self.settings.timeout} s")
        problem.__cause__ = error
        self._log(problem, problem, invocation)
        return problem_response(problem, invocation.request.request_id)

    def _answer(self, invocation: Invocation) -> Response:
        if self.user.transform_fn:
            self._check(invocation.request)
            invocation.stage = "transform_fn"
            invocation.decoded_at = monotonic()
            return self._transform(self.user.transform_fn, invocation)
        self.prepare(invocation)
        return self.predict_and_finish(invocation)

    def prepare(self, invocation: Invocation) -> None:
        """The first step: what the model is to be given."""
        request = invocation.request
        self._check(request)
        if self.user.output_fn is None:
            # Before the model works for an answer that can't be given.
            invocation.answer_type = self._negotiated(request.accept)
        invocation.data = self._read(invocation)
        invocation.stage = "predict_fn"
        invocation.decoded_at = monotonic()

    def predict_and_finish(self, invocation: Invocation) -> Response:
        """The second step and the third, for one invocation."""
        return self.finish(invocation, self.predict(invocation.data, invocation.context))

    def finish(self, invocation: Invocation, prediction: Any) -> Response:
        """The third step: what the model said, as the caller wants it."""
        invocation.stage = "output_fn"
        invocation.predicted_at = monotonic()
        return self._write(prediction, invocation)

    @cached_property
    def _model_input(self) -> ModelInput:
        """What the model shows of what it takes."""
        return describe(self.model)

    @cached_property
    def why_alone(self) -> str | None:
        """Why each request is predicted alone; None where rows of several may meet."""
        if self.user.transform_fn:
            return "transform_fn does all of the work for one request"
        if self.user.predict_fn:
            return None if self.user.batchable else "predict_fn does not say that it is batchable"
        return why_together(self.model)

    def how_rows_are_predicted(self) -> str:
        """For the log: whether rows of several requests meet in a prediction, and why."""
        if self.why_alone is not None:
            return f"for each request alone: {self.why_alone}"
        if self.user.predict_fn:
            return "together: predict_fn says that it is batchable"
        return "together: every part of the model is known to treat rows apart"

    @cached_property
    def _predictor(self) -> Callable[[Any], Any]:
        """The default ``predict_fn``."""
        return predictor_of(
            self.model,
            fast=self.settings.fast_predictions,
            words=asked_output.words_for(self.settings, self.signature),
            signature=self.signature,
        )

    @cached_property
    def _takes_columns(self) -> bool:
        """Whether the model can be given a table without a data frame around it."""
        return self.user.predict_fn is None and getattr(self._predictor, "takes_columns", False)

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

    def predict(self, data: Any, context: Any = None) -> Any:
        """The second step: what the model says."""
        with library_configuration.under(self.configuration):
            return self._predict(data, context)

    def _predict(self, data: Any, context: Any) -> Any:
        if self.user.predict_fn is None:
            prediction = self._by_default(data)
            if prediction is None:
                raise PredictionFailed(f"{type(self.model).__name__}.predict returned nothing")
            if self.user.input_fn is None:
                _check_length(prediction, data)
            self._has_answered.add(True)
            return prediction
        prediction = self.user.predict_fn(data, self.model, context)
        if prediction is None:
            raise PredictionFailed("predict_fn returned nothing: does it lack a return?")
        return prediction

    def _by_default(self, data: Any) -> Any:
        """What the model says; of a sparse matrix, if that is not for it, of all its cells."""
        signature = self.signature
        if not sparse.issparse(data):
            return self._of_texts(data) if is_texts_alone(data) else self._predictor(data)
        if signature and signature.is_sparse:
            return self._predictor(data)
        try:
            return self._predictor(data)
        except (ValueError, TypeError):
            return self._predictor(written_out(data, codecs.Budget(0, self.settings.body_limits)))

    def _of_texts(self, texts: Any) -> Any:
        """What the model says of texts; of a series of them, where it takes no array for one."""
        try:
            return self._predictor(texts)
        except AttributeError as error:
            if "'numpy.ndarray' object has no attribute" not in str(error):
                raise
            return self._predictor(pd.Series(texts))

    def _answers_at_all(self) -> bool | None:
        """Whether the model answers anything: if not, no caller can be to blame.

        It has answered before, or answers its example, or one made up. Where there is none of
        these, a library's model is believed to; None of a class of anybody's.
        """
        if self._has_answered:
            return True
        tried = False
        try:
            with self.limit(self.settings.timeout):
                for example in examples_for(self.signature):
                    if self._answers(example):
                        return True
                    tried = True
        except DeadlineExceeded:
            return True
        if tried:
            return False
        return True if all(map(is_known, first_parts(self.model))) else None

    def _answers(self, example: Any) -> bool:
        try:
            with library_configuration.under(self.configuration):
                self._by_default(example)
        except DeadlineExceeded:
            raise
        except Exception:
            return False
        return True

    def _read(self, invocation: Invocation) -> Any:
        request = invocation.request
        if self.user.input_fn:
            content_type, body = as_users_expect(request)
            data = self.user.input_fn(body, content_type, invocation.context)
            if data is None and self.user.predict_fn is None:
                raise PredictionFailed("input_fn returned nothing: does it lack a return?")
            return data
        try:
            return self._read_by_default(request, invocation)
        except _UNFORESEEN as error:
            # Our own code reads nothing but the body: that is what it does not get along with. How
            # that came about is in the log.
            raise UnforeseenValue(
                "the body holds a value that can't be read, or that no model could take"
            ) from error

    def _read_by_default(self, request: Request, invocation: Invocation) -> Any:
        budget = codecs.Budget(len(request.body), self.settings.body_limits)
        decoded = codecs.decode(request.body, request.content_type, self.signature, budget)
        invocation.envelope = self.identity.on(decoded.envelope, request)
        is_open = self.signature is None and self._model_input.kind == "open"
        return conform(
            decoded.data,
            self.signature,
            is_open=is_open,
            as_columns=self._takes_columns,
            budget=budget,
        )

    def _write(self, prediction: Any, invocation: Invocation) -> Response:
        request = invocation.request
        if self.user.output_fn:
            accept = self._preferred(request)
            result = self.user.output_fn(prediction, accept, invocation.context)
            return self._users_response(result, request)
        media = invocation.answer_type or self._negotiated(request.accept)
        return self._encoded(prediction, media, invocation.envelope)

    def _transform(self, transform: UserFunction, invocation: Invocation) -> Response:
        request = invocation.request
        content_type, body = as_users_expect(request)
        accept = self._preferred(request)
        with library_configuration.under(self.configuration):
            result = transform(self.model, body, content_type, accept, invocation.context)
        return self._users_response(result, request)

    def _preferred(self, request: Request) -> str:
        """The type that a client wants most, with its parameters; the context has them all."""
        default = self.settings.default_accept
        wanted = codecs.preferences(request.accept, default)
        return without_charset(wanted[0]) if wanted else default

    def _users_response(self, result: Any, request: Request) -> Response:
        """The response that a user's output_fn or transform_fn means."""
        answer = UsersAnswer.of(result)
        if isinstance(answer.content, bytes):
            content_type = answer.content_type or self._preferred(request)
            return Response(answer.content, content_type, answer.status)
        return self._encoded(
            answer.content, self._negotiated(answer.content_type or request.accept)
        )

    def _negotiated(self, accept: str | None) -> codecs.MediaType:
        return codecs.negotiate(accept, self.settings.default_accept)

    def _encoded(self, prediction: Any, media: codecs.MediaType, envelope: Any = None) -> Response:
        body, full_type = codecs.encode(
            prediction, media, signature=self.signature, envelope=envelope
        )
        return Response(body, full_type)

    def _once_more(self, invocation: Invocation) -> Callable[[Any], Any]:
        """What gives the model data in the place of an invocation's, its time bounded as well."""

        def predict(data: Any) -> Any:
            with self.limit(self.settings.timeout):
                return self.predict(data, invocation.context)

        return predict

    def _judge(self, error: BaseException, invocation: Invocation) -> InvocationError:
        stage = invocation.stage
        users_own = getattr(self.user, stage) is not None
        data = as_frame(invocation.data)
        if stage == "predict_fn" and self.signature is None:
            error = names_at_fault(error, data, self._once_more(invocation)) or error
        error = library_configuration.explained(error, stage, data)
        problem = to_invocation_error(
            error,
            stage,
            data,
            users_own=users_own,
            signature=self.signature,
            answers=self._answers_at_all,
        )
        self._log(problem, error, invocation)
        return problem

    def _log(self, problem: InvocationError, error: BaseException, invocation: Invocation) -> None:
        names = map(str, self.signature.labels or ()) if self.signature else ()
        mask = PayloadMask(invocation, names)
        request_id = invocation.request.request_id
        log_failure(request_id, problem, error, invocation.stage, mask, self.code)


def _check_length(prediction: Any, data: Any) -> None:
    """A prediction for each row, or it belongs to no row: a model that was given another thing
    than it was fitted on may answer all the same.
    """
    given = data.shape[0]
    shape = getattr(prediction, "shape", None)
    answered = shape[0] if shape else len(prediction) if isinstance(prediction, list) else given
    if answered != given:
        raise PredictionFailed(f"the model gave {answered} predictions for {given} rows")
