"""The functions of the sagemaker-inference contract: the user's where there are any, else ours.

    pre_model_fn(model_dir)                          before loading
    model_fn(model_dir) -> model                     default: the joblib artifact
    model_warmup_fn(model_dir, model)                after loading
    input_fn(body, content_type) -> data             default: the codecs, checked by signature
    predict_fn(data, model) -> prediction            default: model.predict, else model.transform
    output_fn(prediction, accept) -> body            default: the codecs
    transform_fn(model, body, content_type, accept)  in place of the three before

Each of the user's may take a trailing ``context``. They are looked up in the user's module;
what it lacks is taken from a subclass of the toolkit's ``DefaultInferenceHandler`` that the
module defines, under the toolkit's names (``default_model_fn``, …). What neither overrides is
ours: the toolkit's own defaults unpickle what a request holds.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from contract.errors import ModelLoadError, UserCodeError
from contract.user_module import describe
from handler.invocation.fast.shortcut import shortcut_to

ARTIFACT_NAMES = ("model.joblib", "model.pkl")
ARTIFACT_SUFFIXES = (".joblib", ".pkl", ".pickle")

# How many arguments each function takes before an optional context.
ARITIES = {
    "pre_model_fn": 1,
    "model_fn": 1,
    "model_warmup_fn": 2,
    "input_fn": 2,
    "predict_fn": 2,
    "output_fn": 2,
    "transform_fn": 4,
}
TOOLKIT_HANDLER_MODULE = "sagemaker_inference.default_inference_handler"
LEFT_IN_MAIN = (
    ". It was defined in the training script itself: move it to a module beside inference.py, "
    "or name the script by SAGEMAKER_PROGRAM"
)

UserFunction = Callable[..., Any]


@dataclass(frozen=True)
class UserFunctions:
    """The user's functions, each as ``f(*arguments, context)``; None where ours is meant.

    Args:
        batchable: whether ``predict_fn`` may be given the rows of several requests at once, as
            its own attribute of that name says.
    """

    pre_model_fn: UserFunction | None = None
    model_fn: UserFunction | None = None
    model_warmup_fn: UserFunction | None = None
    input_fn: UserFunction | None = None
    predict_fn: UserFunction | None = None
    output_fn: UserFunction | None = None
    transform_fn: UserFunction | None = None
    batchable: bool = False

    @classmethod
    def of_module(cls, module: ModuleType | None) -> UserFunctions:
        """The functions that a user's module gives; none for no module.

        Raises:
            UserCodeError: a function can't be called with its arguments, or ``transform_fn``
                stands beside a function that it replaces.
        """
        if module is None:
            return cls()
        handler = _toolkit_handler(module)
        found = {}
        batchable = False
        for name, arity in ARITIES.items():
            function = getattr(module, name, None) or _overridden(handler, f"default_{name}")
            if function is not None:
                found[name] = with_context(function, arity)
            if name == "predict_fn":
                batchable = getattr(function, "batchable", False) is True
        functions = cls(**found, batchable=batchable)
        replaced = [n for n in ("input_fn", "predict_fn", "output_fn") if n in found]
        if functions.transform_fn and replaced:
            raise UserCodeError(
                f"{module.__name__} defines transform_fn and also {', '.join(replaced)}, "
                "which it replaces: keep one or the other"
            )
        return functions

    def names(self) -> list[str]:
        """The names of the functions that are the user's."""
        return [name for name in ARITIES if getattr(self, name) is not None]


def with_context(function: UserFunction, arity: int) -> UserFunction:
    """A user's function as one that always takes a trailing context.

    A context is handed on where the function has a place for it: a parameter of that name, or
    one more required parameter than the contract's. An extra parameter with a default of its
    own is left alone.

    Raises:
        UserCodeError: the function can't be called with `arity` arguments, nor with one more.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise UserCodeError(f"{function!r} is not a function that can be called") from None
    arguments = [None] * arity
    if _is_keyword_only(signature.parameters.get("context")) and _binds(signature, *arguments):
        return lambda *values: function(*values[:-1], context=values[-1])
    wanted = "context" in signature.parameters or not _binds(signature, *arguments)
    if wanted and _binds(signature, *arguments, None):
        return function
    if _binds(signature, *arguments):
        return lambda *values: function(*values[:-1])
    name = getattr(function, "__name__", repr(function))
    raise UserCodeError(
        f"{name}{signature} must take {arity} arguments, or {arity + 1} with a context"
    )


def load_artifact(model_dir: Path) -> Any:
    """The default ``model_fn``: the joblib or pickle file in a model directory.

    ``model.joblib`` or ``model.pkl``, else the only file with such an ending.

    Raises:
        ModelLoadError: there is no such file, or more than one, or it can't be loaded.
    """
    import joblib  # here, so that a user's own model_fn need not pay for it

    artifact = find_artifact(model_dir)
    try:
        return joblib.load(artifact)
    except MemoryError:
        raise
    except Exception as error:
        advice = LEFT_IN_MAIN if "<module '__main__'" in str(error) else ""
        raise ModelLoadError(f"{artifact} can't be loaded: {describe(error)}{advice}") from error


def find_artifact(model_dir: Path) -> Path:
    """The one model artifact in a model directory.

    Raises:
        ModelLoadError: there is none, or it is not clear which is meant.
    """
    if not model_dir.is_dir():
        raise ModelLoadError(f"{model_dir} is not a folder")
    for name in ARTIFACT_NAMES:
        if (model_dir / name).is_file():
            return model_dir / name
    found = sorted(file for file in model_dir.iterdir() if file.suffix in ARTIFACT_SUFFIXES)
    if len(found) == 1:
        return found[0]
    what = f"several artifacts ({', '.join(f.name for f in found)})" if found else "no artifact"
    raise ModelLoadError(
        f"{model_dir} holds {what}: save the model as model.joblib, or write a model_fn"
    )


def predictor_of(model: Any) -> Callable[[Any], Any]:
    """The default ``predict_fn`` for one model: ``model.predict``, or what gives the same faster;
    else ``model.transform``.

    Raises:
        UserCodeError: the model has neither method.
    """
    if shortcut := shortcut_to(model):
        return shortcut
    for name in ("predict", "transform"):
        method = getattr(model, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]
    raise UserCodeError(
        f"a {type(model).__name__} has neither predict nor transform: write a predict_fn"
    )


def lend_to_main(module: ModuleType | None) -> None:
    """Let pickles find in ``__main__`` what a user's module defines.

    A model that holds a class or function of the training script refers to it as ``__main__``'s,
    since the script ran as that. Where one script both trains and serves, it is here again.
    """
    if module is None:
        return
    main = sys.modules["__main__"]
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == module.__name__ and not hasattr(main, name):
            setattr(main, name, value)


def _toolkit_handler(module: ModuleType) -> object | None:
    """An instance of the toolkit's handler class that a user's module derives, if it does."""
    toolkit = sys.modules.get(TOOLKIT_HANDLER_MODULE)
    if toolkit is None:  # never imported, so never derived from
        return None
    base = toolkit.DefaultInferenceHandler
    derived = {
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base)
    }
    # Of a class and one derived from it, the latter is meant.
    leaves = derived - {base} - {parent for one in derived for parent in one.__mro__[1:]}
    if len(leaves) > 1:
        names = ", ".join(sorted(leaf.__name__ for leaf in leaves))
        raise UserCodeError(f"{module.__name__} derives several inference handlers: {names}")
    return leaves.pop()() if leaves else None


def _overridden(handler: object | None, name: str) -> UserFunction | None:
    """A handler's method, unless it is the toolkit's own."""
    method = getattr(handler, name, None)
    own = getattr(sys.modules.get(TOOLKIT_HANDLER_MODULE), "DefaultInferenceHandler", None)
    if method is None or getattr(method, "__func__", None) is getattr(own, name, ...):
        return None
    return method  # type: ignore[no-any-return]


def _is_keyword_only(parameter: inspect.Parameter | None) -> bool:
    return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY


def _binds(signature: inspect.Signature, *arguments: object) -> bool:
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True
