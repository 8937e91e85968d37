"""Whose fault an exception is: the caller's (4xx) or a bug (5xx), and what the caller is told."""

from __future__ import annotations

import sys
from typing import Any, Literal

from contract.errors import (
    InvocationError,
    MalformedPayload,
    NotAcceptable,
    OutOfMemory,
    PredictionFailed,
    UnprocessablePayload,
    UnsupportedContentType,
)
from contract.user_module import describe
from handler.invocation.model_input import first_not_finite

Stage = Literal["input_fn", "predict_fn", "output_fn", "transform_fn"]

# Where scikit-learn looks at the values it was given; an error from there is about the data.
CHECKING_MODULES = (
    "sklearn.utils.validation",
    "sklearn.utils._encode",
    "sklearn.preprocessing._encoders",
    "sklearn.compose._column_transformer",
)


def to_invocation_error(
    error: BaseException, stage: Stage, data: Any, *, users_own: bool
) -> InvocationError:
    """The error that answers an invocation.

    Args:
        error: what was raised.
        stage: the function it was raised in.
        data: what the model was given, to look for the value at fault; None if not known.
        users_own: whether the function is the user's, not a default of ours.
    """
    if isinstance(error, InvocationError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory("there is not enough memory for this invocation")
    from_toolkit = _toolkit_error(error, stage)
    if from_toolkit is not None:
        return from_toolkit
    if stage == "input_fn" and isinstance(error, ValueError):
        # A user's input_fn reads nothing but the body: what it can't read is the caller's.
        return MalformedPayload(describe(error))
    if stage in ("predict_fn", "transform_fn") and _is_about_data(error, users_own):
        return _unprocessable(error, data)
    return PredictionFailed(
        f"{stage} raised {type(error).__name__}; the log has its traceback under this request id"
    )


def _toolkit_error(error: BaseException, stage: Stage) -> InvocationError | None:
    """The status and message of an error from sagemaker-inference, raised by user code."""
    toolkit = sys.modules.get("sagemaker_inference.errors")
    if toolkit is None:
        return None
    if isinstance(error, toolkit.BaseInferenceToolkitError):
        status = error.status_code if 400 <= error.status_code <= 599 else 500
        return InvocationError(" ".join(str(error.message).split()), status=status)
    if isinstance(error, toolkit.UnsupportedFormatError):
        kind = NotAcceptable if stage == "output_fn" else UnsupportedContentType
        return kind(" ".join(str(error).split()))
    return None


def _is_about_data(error: BaseException, users_own: bool) -> bool:
    """Whether a failed prediction was the data's fault.

    Where only default code ran, a ValueError can be about nothing but the values. A user's own
    code may raise one for a bug, so there it must come from where scikit-learn checks values.
    """
    if isinstance(error, ValueError) and not users_own:
        return True
    return isinstance(error, ValueError | TypeError) and _raised_in(error, CHECKING_MODULES)


def _raised_in(error: BaseException, modules: tuple[str, ...]) -> bool:
    trace = error.__traceback__
    innermost = ""
    while trace is not None:
        innermost = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return innermost in modules


def _unprocessable(error: BaseException, data: Any) -> UnprocessablePayload:
    # scikit-learn appends paragraphs of advice to the one sentence that says what is wrong.
    sentence = next((line for line in str(error).splitlines() if line.strip()), "")
    place = first_not_finite(data) if "NaN" in sentence or "infinity" in sentence else None
    if place is None:
        return UnprocessablePayload(f"the model does not take this: {sentence.strip()}")
    row, column = place
    return UnprocessablePayload(
        f"row {row}, column {column}: the model does not take this value: {sentence.strip()}",
        row=row,
        column=column,
    )
