"""What users' files define, and whether to import one would train: read from their text alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.user_module import module_folders

TRAINING_SCRIPTS = ("train.py", "training.py")
# Calls that modules make while they are imported, and that are no training.
HARMLESS_CALLS = frozenset({
    "ArgumentParser", "Enum", "NamedTuple", "NewType", "Path", "TypeVar", "TypedDict",
    "add_argument", "addHandler", "append", "array", "basicConfig", "bool", "compile",
    "dataclass", "date", "dict", "filterwarnings", "float", "frozenset", "get", "getLogger",
    "get_logger", "getenv", "insert", "int", "join", "list", "namedtuple", "partial", "range",
    "seed", "set", "setLevel", "set_config", "set_option", "simplefilter", "str", "tuple",
})  # fmt: skip


@dataclass(frozen=True)
class Script:
    """A user's Python file.

    Args:
        file: where it lies.
        defined: the names that it defines or assigns when it is imported.
        imported: the names that it imports.
        guarded: the names that it defines only when it is run.
        is_guarded: whether it has a part that only a run executes.
        working_line: the first line that does work when it is imported; None for no such line.
    """

    file: Path
    defined: frozenset[str]
    imported: frozenset[str]
    guarded: frozenset[str]
    is_guarded: bool
    working_line: int | None

    @property
    def trains(self) -> bool:
        """Whether it is the script that trains, by its name or by what only a run executes."""
        return self.is_guarded or self.file.name in TRAINING_SCRIPTS

    @property
    def may_be_imported(self) -> bool:
        """Whether its author keeps apart what a run does, or it does nothing but define."""
        return self.is_guarded or self.working_line is None


def read_scripts(directories: Sequence[Path]) -> Iterator[Script]:
    """The files of some folders that Python can parse, those first that are named for training."""
    for directory in module_folders(directories):
        files = [file for file in directory.glob("*.py") if not file.name.startswith(".")]
        for file in sorted(files, key=lambda one: (one.name not in TRAINING_SCRIPTS, one.name)):
            try:
                tree = ast.parse(file.read_bytes())
            except (OSError, SyntaxError, ValueError):
                continue
            yield _script(file, tree)


def _script(file: Path, tree: ast.Module) -> Script:
    guards = [node for node in tree.body if _is_guard(node)]
    body = [node for node in tree.body if not _is_guard(node)]
    defined, imported = _names(body)
    inside = [one for guard in guards if isinstance(guard, ast.If) for one in guard.body]
    guarded, _ = _names(inside)
    working = next((node.lineno for node in _flat(body) if _works(node)), None)
    only_guarded = frozenset(guarded - defined - imported)
    return Script(
        file,
        frozenset(defined | only_guarded),
        frozenset(imported),
        only_guarded,
        bool(guards),
        working,
    )


def _is_guard(node: ast.stmt) -> bool:
    """Whether a statement is ``if __name__ == "__main__":``, in either order."""
    if not (isinstance(node, ast.If) and isinstance(node.test, ast.Compare)):
        return False
    sides = [node.test.left, *node.test.comparators]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    values = [side.value for side in sides if isinstance(side, ast.Constant)]
    is_equal = len(node.test.ops) == 1 and isinstance(node.test.ops[0], ast.Eq)
    return is_equal and names == ["__name__"] and values == ["__main__"]


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements, and those inside of conditions and attempts."""
    for node in body:
        match node:
            case ast.If() | ast.Try():
                yield from _flat([*node.body, *node.orelse])
                if isinstance(node, ast.Try):
                    yield from _flat(node.finalbody)
                    for handler in node.handlers:
                        yield from _flat(handler.body)
            case _:
                yield node


def _names(body: Iterable[ast.stmt]) -> tuple[set[str], set[str]]:
    """The names that statements bind by definition, and by import."""
    defined: set[str] = set()
    imported: set[str] = set()
    for node in _flat(body):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                defined.add(node.name)
            case ast.Import() | ast.ImportFrom():
                imported |= {(one.asname or one.name).split(".")[0] for one in node.names}
            case ast.Assign():
                targets = [name for target in node.targets for name in ast.walk(target)]
                defined |= {name.id for name in targets if isinstance(name, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                defined.add(name)
    return defined, imported


def _works(node: ast.stmt) -> bool:
    """Whether a statement does more than define when it is executed."""
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return False
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Global():
            return False
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.Expr() | ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return any(
                isinstance(part, ast.Call) and _called(part.func) not in HARMLESS_CALLS
                for part in ast.walk(node)
            )
        case ast.Raise() | ast.Assert():
            return False
    return True


def _called(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
