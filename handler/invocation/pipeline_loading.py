"""A model directory becomes a pipeline: the user's module, the signature, the model.

What was found, and what was decided from it, is said in the log.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from contract.errors import ModelLoadError
from contract.estimators.model_inputs import ModelInput, completed, describe
from contract.settings import ServingSettings
from contract.signature import Further, Signature, load_signature
from contract.user_module import check_names, find_program, make_importable
from handler.invocation import (
    artifacts_beside,
    asked_output,
    library_configuration,
    main_module,
    misnamed_functions,
    model_folder,
    toolkit_without_pickle,
)
from handler.invocation.default_prediction import predictor_of
from handler.invocation.fast.instance import quicken
from handler.invocation.model_identity import identity_of
from handler.invocation.model_loading import Weigh, functions_of, load_model, told_by_place
from handler.invocation.pipeline import Limit, Pipeline
from handler.invocation.unpickling import unpickling_as_allowed
from handler.invocation.user_functions import UserFunctions
from handler.processes.invocation_time_limit import deadline

logger = logging.getLogger(__name__)


def load_pipeline(
    model_dir: Path,
    settings: ServingSettings,
    context: Any = None,
    limit: Limit = deadline,
    weigh: Weigh = lambda payload: None,
) -> Pipeline:
    """Load a model directory: the user's module, the signature, the model.

    Args:
        model_dir, settings, context, limit: which model, and as for `Pipeline`.
        weigh: as for `load_model`.

    Raises:
        UserCodeError, SignatureError, ModelLoadError: say in one line what is wrong.
        MemoryError: there is not enough memory for the model.
    """
    # First: nothing of the folder is to be imported or unpickled before.
    model_folder.check(model_dir, settings)
    directories = settings.code_directories(model_dir)
    check_names(directories)
    program = find_program(directories, settings.program)
    make_importable(directories)
    main_module.install(directories, program)
    with told_by_place(directories):
        signature = load_signature(model_dir)
        for warning in signature.version_warnings() if signature else ():
            logger.warning(warning)
        library_configuration.restore(signature.configuration if signature else {})
        for warning in misnamed_functions.warnings_on(program, directories):
            logger.warning(warning)
        with unpickling_as_allowed(settings.model_formats):
            user, source = functions_of(model_dir, program)
            toolkit_without_pickle.forbid_unpickling()
            model = load_model(user, source, model_dir, context, weigh, settings.skops_trusted)
        found = describe(model)
        artifacts_beside.check(model_dir, user)
        users_own = _own_way(user)
        if users_own is None:
            _check_that_it_can_be_asked(model, found, signature)
            asked_output.check(model, settings, signature)
        else:
            asked_output.warn_of_no_use(settings, signature, users_own)
        configuration = library_configuration.assumed_for(model)
    logger.info(
        "model of type %s; functions of %s: %s; signature: %s",
        type(model).__name__,
        source,
        ", ".join(user.names()) or "none",
        "read" if signature else "none",
    )
    known = _with_setting(completed(signature, model, found), settings)
    if settings.fast_predictions and (quickened := quicken(model)):
        logger.info("faster than the library's own: %s", ", ".join(quickened))
    identity = identity_of(model_dir, context, multi_model=settings.multi_model)
    pipeline = Pipeline(model, user, known, settings, limit, configuration, directories, identity)
    if users_own is None:
        asked_output.check_by_example(pipeline.predict, settings, known)
    logger.info("rows of several requests are predicted %s", pipeline.how_rows_are_predicted())
    return pipeline


def _own_way(user: UserFunctions) -> str | None:
    """The user's function in the place of the default prediction; None where there is none."""
    return next((name for name in ("transform_fn", "predict_fn") if getattr(user, name)), None)


def _check_that_it_can_be_asked(model: Any, found: ModelInput, signature: Signature | None) -> None:
    """Refuse at the start what the default functions could not ask at any request."""
    predictor_of(model, fast=False)
    if found.lacking and not (signature and signature.describes_inputs):
        raise ModelLoadError(
            f"a {type(model).__name__} can't be served: {found.lacking}; call "
            "save_signature in the training script, or write input_fn and predict_fn"
        )


def _with_setting(known: Signature | None, settings: ServingSettings) -> Signature | None:
    """What is known of the model, with what the settings say of further columns."""
    further: Any = settings.further_columns
    if known and further in get_args(Further):
        return replace(known, further=further)
    return known
