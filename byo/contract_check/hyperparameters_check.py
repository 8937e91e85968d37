"""The hyperparameters that a train.py declares, found in its text and told by its import."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from byo.contract_check.findings import Finding, error, ok, warning
from byo.contract_check.subprocess_answer import NotTold, last_word
from byo.contract_check.working import Working
from byo.table import render

CALL = "parse_hyperparameters"
COLUMNS = ("name", "type", "allowed", "default", "help")


def check_declaration(
    module: ast.Module, file: Path, environ: Mapping[str, str], working: Working
) -> Iterator[Finding]:
    """Show the table of declared hyperparameters; nothing where none are declared.

    Args:
        module: the parsed train.py.
        file: the file itself, for a process that imports it.
        environ: the caller's environment.
        working: shows that the file is imported.
    """
    call = next((node for node in ast.walk(module) if _is_call(node)), None)
    if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Name):
        return
    if any(call is node for node in _run_on_import(module)):
        yield warning(
            f"{CALL} runs when the file is imported, so that its table can't be shown: call it in "
            'a function, behind if __name__ == "__main__"',
            file.name,
            call.lineno,
        )
        return
    with working(f"importing {file.name}"):
        table = _table(file, call.args[0].id, environ)
    yield table


def _table(file: Path, declared: str, environ: Mapping[str, str]) -> Finding:
    try:
        status, said = last_word(
            "byo.contract_check.declare_hyperparameters", environ, file, declared
        )
        rows = json.loads(said) if status == 0 else None
    except NotTold as problem:
        return error(f"{declared} can't be read: {problem}", file.name)
    except ValueError:
        return error(f"{declared} can't be read: its import ended the process too early", file.name)
    if rows is None:
        return error(f"{declared}: {said.removeprefix(f'{file} ')}", file.name)
    table = render(COLUMNS, [[row[column] for column in COLUMNS] for row in rows])
    count = f"{len(rows)} hyperparameter{'s' * (len(rows) != 1)}"
    return ok(f"{declared} declares {count}", file.name, details=table)


def _is_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    return (isinstance(function, ast.Name) and function.id == CALL) or (
        isinstance(function, ast.Attribute) and function.attr == CALL
    )


def _run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """What an import runs: all but the bodies of functions and of ``if __name__ == …``."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(inner, ast.If) and "__name__" in ast.dump(inner.test):
            continue
        yield inner
        yield from _run_on_import(inner)
