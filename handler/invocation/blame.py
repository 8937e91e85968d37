"""Whose fault an exception is: the caller's (4xx) or a bug (5xx), and what the caller is told."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from contract.errors import (
    InvocationError,
    MalformedPayload,
    NotAcceptable,
    OutOfMemory,
    PredictionFailed,
    UnprocessablePayload,
    UnsupportedContentType,
)
from contract.signature import Signature
from contract.user_module import describe
from handler.codecs.charset import QUOTED
from handler.invocation.cell_at_fault import cell_at_fault
from handler.invocation.column_order import lacks

Stage = Literal["input_fn", "predict_fn", "output_fn", "transform_fn"]

# Where scikit-learn looks at the values it was given; an error from there is about the data.
CHECKING_MODULES = (
    "sklearn.utils.validation",
    "sklearn.utils._encode",
    "sklearn.preprocessing._encoders",
    "sklearn.compose._column_transformer",
)
# Errors of boosters are about the data, but for what they say of the machine and of the model.
_BOOSTERS_OWN = ("XGBoostError", "LightGBMError", "CatBoostError")
_OF_THE_MACHINE = (
    "gpu", "cuda", "device", "memory", "thread", "file", "not fitted", "not trained",
    "need to call fit", "version",
)  # fmt: skip
# What a library repeats of the data, from the first quotation mark to the last of its kind.
_QUOTED_LONG = re.compile(r"'.{81,}'|\".{81,}\"", re.DOTALL)
# What scikit-learn says where a step was not given what the step before gave it in training.
_OF_THE_CONFIGURATION = ("Specifying the columns using strings", "set_output", "transform_output")


def to_invocation_error(
    error: BaseException,
    stage: Stage,
    data: Any,
    *,
    users_own: bool,
    signature: Signature | None = None,
    answers: Callable[[], bool | None] = lambda: True,
) -> InvocationError:
    """The error that answers an invocation.

    Args:
        error: what was raised.
        stage: the function it was raised in.
        data: what the model was given, to look for the value at fault; None if not known.
        users_own: whether the function is the user's, not a default of ours.
        signature: what the model takes; None if nothing is known of it.
        answers: whether the model answers anything at all. Where it does not, no caller can
            change a request so that it does. None if that can't be tried, and the model is code
            of anybody's: then only what a library says of values is about the data.
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
    if stage in ("predict_fn", "transform_fn"):
        if not users_own and (lacking := lacks(data, signature)):
            return lacking
        if _is_about_data(error, users_own, data) and (users_own or _may_answer(error, answers())):
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


def _is_about_data(error: BaseException, users_own: bool, data: Any) -> bool:
    """Whether a failed prediction was the data's fault.

    Where only default code ran, a ValueError can be about nothing but the values. A user's own
    code may raise one for a bug, so there it must come from where scikit-learn checks values.
    """
    message = str(error)
    if any(kind.__name__ == "NotFittedError" for kind in type(error).__mro__):
        return False
    if type(error).__name__ in _BOOSTERS_OWN:
        return not any(word in message.casefold() for word in _OF_THE_MACHINE)
    if any(word in message for word in _OF_THE_CONFIGURATION):
        return False
    if isinstance(error, ValueError) and not users_own:
        return True
    if isinstance(error, TypeError) and not users_own and _are_dates(data):
        return True  # numpy's own, which says that it can't reckon with them
    return isinstance(error, ValueError | TypeError) and _raised_in(error, CHECKING_MODULES)


def _are_dates(data: Any) -> bool:
    return isinstance(data, np.ndarray) and data.dtype.kind in "mM"


def _may_answer(error: BaseException, answers: bool | None) -> bool:
    """Whether a model that failed so may answer another request."""
    return _raised_in(error, CHECKING_MODULES) if answers is None else answers


def _raised_in(error: BaseException, modules: tuple[str, ...]) -> bool:
    trace = error.__traceback__
    innermost = ""
    while trace is not None:
        innermost = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return innermost in modules


def _shortened(quoted: re.Match[str]) -> str:
    """What a library quotes, as short as our own errors have it."""
    mark, text = quoted[0][0], quoted[0][1:-1]
    return f"{mark}{text[:QUOTED]}…{mark}"


def _unprocessable(error: BaseException, data: Any) -> UnprocessablePayload:
    # scikit-learn appends paragraphs of advice to the one sentence that says what is wrong.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    sentence = _QUOTED_LONG.sub(_shortened, lines[0]) if lines else ""
    goes_on = sentence.endswith(":") or (sentence.endswith(".") and "dtypes" in sentence)
    if goes_on and len(lines) > 1:  # an imputer quotes the value there, lightgbm names the columns
        sentence = f"{sentence} {_QUOTED_LONG.sub(_shortened, lines[1])}"
    fault = cell_at_fault(sentence, data)
    if fault is None:
        return UnprocessablePayload(f"the model does not take this: {sentence.strip()}")
    return UnprocessablePayload(
        f"row {fault.row}, column {fault.column}: the model does not take this value"
        f"{fault.given}: {sentence.strip()}",
        row=fault.row,
        column=fault.column,
    )
