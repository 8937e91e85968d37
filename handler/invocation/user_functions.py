"""The functions of the sagemaker-inference contract: the user's where there are any, else ours.

    pre_model_fn(model_dir)                          before loading
    model_fn(model_dir) -> model                     default: the joblib artifact
    model_warmup_fn(model_dir, model)                after loading
    input_fn(body, content_type) -> data             default: the codecs, checked by signature
    predict_fn(data, model) -> prediction            default: model.predict, else model.transform
    output_fn(prediction, accept) -> body            default: the codecs
    transform_fn(model, body, content_type, accept)  in place of the three before
    execution_parameters_fn()                        for GET /execution-parameters

Each of the user's may take a trailing ``context``, and may be ``async``. They are looked up in the
user's module; what it lacks is taken from a subclass of the toolkit's ``DefaultInferenceHandler``
that the module defines, under the toolkit's names (``default_model_fn``, …). What neither overrides
is ours: the toolkit's own defaults unpickle what a request holds.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from contract.errors import UserCodeError

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
EXECUTION_PARAMETERS = "execution_parameters_fn"
TOOLKIT_HANDLER_MODULE = "sagemaker_inference.default_inference_handler"

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
    execution_parameters_fn: Callable[[], Any] | None = None
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
        parameters = getattr(module, EXECUTION_PARAMETERS, None)
        functions = cls(
            **found, execution_parameters_fn=_without_arguments(parameters), batchable=batchable
        )
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
    if inspect.iscoroutinefunction(function):
        function = _awaited(function)
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


def _awaited(function: UserFunction) -> UserFunction:
    """A coroutine function as one that returns when it is done."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        return asyncio.run(function(*arguments, **named))

    return run


def _without_arguments(function: Any) -> Callable[[], Any] | None:
    """A function that says how batch transform may call the endpoint; None for none.

    Raises:
        UserCodeError: it can't be called without arguments.
    """
    if function is None:
        return None
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        raise UserCodeError(f"{EXECUTION_PARAMETERS} must take no arguments") from None
    return function  # type: ignore[no-any-return]


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
