"""What a model's endpoint is asked to answer, and whether the model can: told while it loads."""

from __future__ import annotations

import logging
from typing import Any

from contract.errors import ModelLoadError, PredictionFailed
from contract.estimators.attributes import attribute
from contract.inference_output import VARIABLE, asks_for_probabilities
from contract.settings import ServingSettings
from contract.signature import FILE_NAME, Signature
from handler.invocation.class_output import Method, classes_of
from handler.invocation.examples import examples_for

logger = logging.getLogger(__name__)


def words_for(settings: ServingSettings, signature: Signature | None) -> tuple[str, ...]:
    """What a model's endpoint is to answer: the setting, else what training asked for."""
    return settings.inference_output or (signature.inference_output if signature else ())


def where_asked(settings: ServingSettings, signature: Signature | None) -> str:
    """For a message: who asks for what."""
    words = ",".join(words_for(settings, signature))
    if settings.inference_output:
        return f"{VARIABLE}={words}"
    return f"inference_output in {FILE_NAME} ({words}; {VARIABLE} counts before it)"


def check(model: Any, settings: ServingSettings, signature: Signature | None) -> None:
    """Refuse a model of which an answer is asked for that it can't give.

    Raises:
        ModelLoadError: the message names the setting and what the model lacks.
    """
    if not asks_for_probabilities(words_for(settings, signature)):
        return
    lacking = _lacking(model, signature)
    if lacking:
        raise ModelLoadError(f"{where_asked(settings, signature)}, and {lacking}")


def check_by_example(
    predict: Method, settings: ServingSettings, signature: Signature | None
) -> None:
    """Refuse a model whose answer to an example shows that it is not of one label to a row.

    Raises:
        ModelLoadError: the message names the setting.
    """
    if not asks_for_probabilities(words_for(settings, signature)):
        return
    for example in examples_for(signature):
        try:
            predict(example)
        except PredictionFailed as error:
            raise ModelLoadError(f"{where_asked(settings, signature)}: {error.detail}") from error
        except Exception:  # the example may be none
            logger.debug("a made-up row was not answered", exc_info=True)
            continue
        return


def warn_of_no_use(settings: ServingSettings, signature: Signature | None, instead: str) -> None:
    """Name in the log what is asked for where a function of the user's decides on it."""
    if words_for(settings, signature):
        logger.warning(
            "%s is not used: %s says what is answered", where_asked(settings, signature), instead
        )


def _lacking(model: Any, signature: Signature | None) -> str | None:
    """What a model lacks to answer probabilities; None if nothing that can be seen."""
    name = _named(model)
    if not callable(attribute(model, "predict_proba")):
        if callable(attribute(model, "decision_function")):
            return (
                f"{name} has no predict_proba: it has decision_function alone, whose figures are "
                "no probabilities; fit it within sklearn.calibration.CalibratedClassifierCV, or "
                "write a predict_fn"
            )
        return f"{name} has no predict_proba: leave it out, or write a predict_fn"
    classes = classes_of(model, signature)
    if any(isinstance(label, tuple) for label in classes) or (
        signature and len(signature.outputs) > 1
    ):
        return f"{name} answers several outputs, each with probabilities: write a predict_fn"
    if not classes:
        return f"{name} has no classes_, by which its probabilities are named: write a predict_fn"
    if len(set(map(str, classes))) < len(classes):
        return f"{name} has classes of one name, {list(classes)}: write a predict_fn"
    return None


def _named(model: Any) -> str:
    """A model by its class, and that of the estimator in it that answers."""
    inner = attribute(model, "best_estimator_")
    inner = model if inner is None else inner
    last = attribute(inner, "_final_estimator")
    last = inner if last is None else last
    outer = "" if last is model else f", the last of a {type(model).__name__},"
    return f"a {type(last).__name__}{outer}"
