"""What an inference.py defines, read from its text: the user's code is not run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from byo.contract_check.findings import Finding, error, ok, warning
from contract.errors import UserCodeError
from handler.invocation.user_functions import ARITIES, with_context

REPLACED_BY_TRANSFORM = ("input_fn", "predict_fn", "output_fn")
CLOSE = 0.8

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def check_functions(module: ast.Module, file: str) -> Iterator[Finding]:
    """Check the functions of the contract that a module defines.

    Args:
        module: the parsed inference.py.
        file: how to name it in a finding.
    """
    functions = {node.name: node for node in module.body if isinstance(node, FunctionNode)}
    defined = {name for name in _top_level_names(module) if name in ARITIES}
    broken = [
        *_wrong_arguments(functions, file),
        *_replaced(defined, functions, file),
    ]
    yield from broken
    yield from _near_misses(module, functions, defined, file)
    if not broken:
        names = ", ".join(name for name in ARITIES if name in defined)
        yield ok(f"defines {names}" if names else "defines no function: the defaults serve", file)


def _wrong_arguments(functions: dict[str, FunctionNode], file: str) -> Iterator[Finding]:
    for name, node in functions.items():
        if name not in ARITIES:
            continue
        if isinstance(node, ast.AsyncFunctionDef):
            yield error(f"{name} is async: the server calls plain functions", file, node.lineno)
        elif not node.decorator_list:
            try:
                with_context(_stand_in(node), ARITIES[name])
            except UserCodeError as problem:
                yield error(str(problem), file, node.lineno)


def _replaced(
    defined: set[str], functions: dict[str, FunctionNode], file: str
) -> Iterator[Finding]:
    beside = [name for name in REPLACED_BY_TRANSFORM if name in defined]
    if "transform_fn" in defined and beside:
        line = functions["transform_fn"].lineno if "transform_fn" in functions else None
        yield error(
            f"transform_fn stands beside {', '.join(beside)}, which it replaces: "
            "keep one or the other",
            file,
            line,
        )


def _near_misses(
    module: ast.Module, functions: dict[str, FunctionNode], defined: set[str], file: str
) -> Iterator[Finding]:
    """Functions that nothing calls, named almost like one that the server would call."""
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    for name, node in functions.items():
        if name in ARITIES or name in used:
            continue
        close = get_close_matches(name.lower(), ARITIES, n=1, cutoff=CLOSE)
        if close and close[0] not in defined:
            yield warning(
                f"{name} is never called: rename it if {close[0]} is meant", file, node.lineno
            )


def _top_level_names(module: ast.Module) -> Iterator[str]:
    """The names that a module binds by def, by import or by assignment."""
    for node in module.body:
        if isinstance(node, FunctionNode):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _stand_in(node: ast.FunctionDef) -> Callable[..., Any]:
    """A function that takes the same arguments and does nothing.

    It is made from the names alone: no default, annotation or statement of the user's runs.
    """
    nothing = ast.Constant(None)
    given = node.args
    arguments = ast.arguments(
        posonlyargs=[ast.arg(each.arg) for each in given.posonlyargs],
        args=[ast.arg(each.arg) for each in given.args],
        vararg=ast.arg(given.vararg.arg) if given.vararg else None,
        kwonlyargs=[ast.arg(each.arg) for each in given.kwonlyargs],
        kw_defaults=[nothing if default else None for default in given.kw_defaults],
        kwarg=ast.arg(given.kwarg.arg) if given.kwarg else None,
        defaults=[nothing for _ in given.defaults],
    )
    expression = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, nothing)))
    stand_in: Callable[..., Any] = eval(compile(expression, "<arguments>", "eval"))  # noqa: S307
    stand_in.__name__ = node.name
    return stand_in
