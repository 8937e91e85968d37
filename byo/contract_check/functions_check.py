"""What an inference.py defines, read from its text: the user's code is not run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from byo.contract_check.findings import Finding, error, ok, warning
from contract.errors import UserCodeError
from handler.invocation.misnamed_functions import misnamed
from handler.invocation.user_functions import ARITIES, with_context

REPLACED_BY_TRANSFORM = ("input_fn", "predict_fn", "output_fn")

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
    yield from _near_misses(module, defined, file)
    if not broken:
        names = ", ".join(name for name in ARITIES if name in defined)
        yield ok(f"defines {names}" if names else "defines no function: the defaults serve", file)


def _wrong_arguments(functions: dict[str, FunctionNode], file: str) -> Iterator[Finding]:
    for name, node in functions.items():
        if name not in ARITIES:
            continue
        if not node.decorator_list:
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


def _near_misses(module: ast.Module, defined: set[str], file: str) -> Iterator[Finding]:
    """Functions that nothing calls, named almost like one that the server would call."""
    for node, meant in misnamed(module):
        if meant not in defined:
            yield warning(
                f"{node.name} is never called: rename it if {meant} is meant", file, node.lineno
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


def _stand_in(node: FunctionNode) -> Callable[..., Any]:
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
