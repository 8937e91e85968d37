"""Loading a model through the user's functions, and what goes wrong there in one line."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from contract.errors import ByoError, ModelLoadError
from contract.user_module import describe, import_program
from handler.invocation import archive_handler
from handler.invocation.archive_handler import MANIFEST
from handler.invocation.artifact_payload import Payload, payload_for_code, payload_of
from handler.invocation.main_module import advice_on
from handler.invocation.model_artifact import load_artifact
from handler.invocation.user_functions import UserFunctions

logger = logging.getLogger(__name__)

# Told what a model's files hold before they are loaded; raises where memory is too little for that.
Weigh = Callable[[Payload], None]


def functions_of(model_dir: Path, program: Path | None) -> tuple[UserFunctions, object]:
    """The user's functions, and where they are from."""
    archive = archive_handler.find(model_dir, decodes=archive_handler.decodes_bodies(os.environ))
    if archive is None:
        module = import_program(program) if program else None
        functions = UserFunctions.of_module(module)
        if module is not None and not functions.names():
            own = archive_handler.handler_in(module)
            if own is not None:
                return own.functions(), f"{program} ({own.name})"
        return functions, program or "no module"
    if program:
        logger.warning("%s names %s: %s is not used", MANIFEST, archive.name, program)
    return archive.functions(), f"{MANIFEST} ({archive.name})"


def load_model(
    user: UserFunctions,
    source: object,
    model_dir: Path,
    context: Any,
    weigh: Weigh,
    trusted: Sequence[str] = (),
) -> Any:
    """The model, as the functions around loading give it.

    Args:
        user: the user's functions.
        source: where they are from.
        model_dir: the model directory.
        context: what they are handed beside it.
        weigh: called before anything is loaded.
        trusted: the types beside its own that skops may make objects of.
    """
    if user.pre_model_fn:
        user.pre_model_fn(str(model_dir), context)
    with suppress(OSError):  # whoever loads it says what is wrong with it
        weigh(payload_for_code(model_dir, source) if user.model_fn else payload_of(model_dir))
    with _logged_warnings():
        if user.model_fn:
            model = user.model_fn(str(model_dir), context)
        else:
            model = load_artifact(model_dir, trusted)
    if user.model_warmup_fn:
        user.model_warmup_fn(str(model_dir), model, context)
    return model


@contextmanager
def told_by_place(directories: Sequence[Path]) -> Iterator[None]:
    """Whatever a user's code raises while loading, as one line with the user's own file and line.

    Args:
        directories: the folders of the user's code.

    Raises:
        ModelLoadError: in place of any exception that is not ours already.
    """
    try:
        yield
    except (ByoError, MemoryError):
        raise
    except BaseException as error:  # KeyboardInterrupt, too: nobody is at a keyboard
        raise ModelLoadError(describe(error, *directories) + advice_on(error)) from error


@contextmanager
def _logged_warnings() -> Iterator[None]:
    """Warnings of a load, such as scikit-learn's of another version, as single log lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(" ".join(str(each.message).split()) for each in caught):
        logger.warning(text)
