"""Functions of users' files that nothing calls, though they may be meant to be: by their text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from handler.invocation.user_functions import ARITIES

CLOSE = 0.8
# What other servers call, and what stands for it here.
OF_OTHER_SERVERS = {
    "input_handler": "input_fn",
    "output_handler": "output_fn",
    "lambda_handler": "transform_fn",
    "handler": "transform_fn",
    "transformation": "predict_fn",
    "predict": "predict_fn",
    "load_model": "model_fn",
}
# The classic container's, which ran by itself.
CLASSIC_PROGRAM = "predictor.py"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def misnamed(module: ast.Module) -> Iterator[tuple[FunctionNode, str]]:
    """The functions that nothing calls and that are named almost like one that is called, with its
    name.
    """
    functions = [node for node in module.body if isinstance(node, FunctionNode)]
    defined = {node.name for node in functions}
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    for node in functions:
        name = node.name
        if name in ARITIES or name in used:
            continue
        close = get_close_matches(name.lower(), ARITIES, n=1, cutoff=CLOSE)
        meant = OF_OTHER_SERVERS.get(name) or next(iter(close), None)
        if meant and meant not in defined:
            yield node, meant


def warnings_on(program: Path | None, directories: list[Path]) -> Iterator[str]:
    """What a log should say of users' code that does not count.

    Args:
        program: the user's module, or None.
        directories: the folders of user code.
    """
    if program is None:
        for file in (directory / CLASSIC_PROGRAM for directory in directories):
            if file.is_file():
                yield f"{file} is not used: what it does belongs into predict_fn of inference.py"
        return
    try:
        module = ast.parse(program.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # its import says so
    for node, meant in misnamed(module):
        yield f"{program}, line {node.lineno}: {node.name} is never called: is {meant} meant?"
