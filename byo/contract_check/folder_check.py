"""What an algorithm folder's files say, without running any of it in this process."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from byo.algorithm_folder import Algorithm
from byo.command_errors import UsageError
from byo.contract_check.findings import Finding, error, ok, warning
from byo.contract_check.functions_check import check_functions
from byo.contract_check.hyperparameters_check import check_declaration
from byo.contract_check.import_module import IMPORTED
from byo.contract_check.requirements_check import check_requirements
from byo.contract_check.subprocess_answer import NotTold, last_word
from byo.contract_check.working import Working, silently
from byo.tree.job_tree import read_hyperparameters
from contract.errors import UserCodeError
from contract.requirements.requirement_lines import FILE_NAME
from contract.user_module import check_names


def check_folder(
    algorithm: Algorithm, environ: Mapping[str, str], working: Working = silently
) -> Iterator[Finding]:
    """Check everything that can be told before a training job.

    Args:
        algorithm: the folder.
        environ: the caller's environment, for the processes that import the user's code.
        working: shows that such an import goes on.
    """
    yield from _check_names(algorithm.folder)
    yield from _check_train(algorithm.folder, environ, working)
    yield from _check_inference(algorithm.folder, environ, working)
    yield from _check_requirements(algorithm.folder)
    yield from _check_sample(algorithm)


def _check_names(folder: Path) -> Iterator[Finding]:
    try:
        check_names([folder])
    except UserCodeError as problem:
        yield error(str(problem))


def _check_train(folder: Path, environ: Mapping[str, str], working: Working) -> Iterator[Finding]:
    if not (folder / "train.py").is_file():
        yield error("there is none: training runs this script", "train.py")
        return
    parsed = _parse(folder / "train.py")
    if isinstance(parsed, Finding):
        yield parsed
        return
    yield ok("compiles", "train.py")
    yield from check_declaration(parsed, folder / "train.py", environ, working)


def _check_inference(
    folder: Path, environ: Mapping[str, str], working: Working
) -> Iterator[Finding]:
    name = "inference.py"
    if not (folder / name).is_file():
        yield ok("there is none: the defaults serve model.joblib", name)
        return
    parsed = _parse(folder / name)
    if isinstance(parsed, Finding):
        yield parsed
        return
    found = list(check_functions(parsed, name))
    yield from found
    # An import would only fail once more where the functions are wrong already.
    if all(finding.level != "error" for finding in found):
        with working(f"importing {name}"):
            imported = _import(folder / name, environ)
        yield imported


def _check_requirements(folder: Path) -> Iterator[Finding]:
    file = folder / FILE_NAME
    if file.is_file():
        yield from check_requirements(file)


def _check_sample(algorithm: Algorithm) -> Iterator[Finding]:
    sample = "sample/input"
    if not algorithm.has_sample:
        yield warning(
            "holds no data: put a file in sample/input/data/training/ to try the folder whole",
            f"{sample}/data",
        )
        return
    channels = sorted(e.name for e in algorithm.sample.input_data.iterdir() if e.is_dir())
    if not channels:
        yield error("data must lie in a folder per channel, such as training/", f"{sample}/data")
        return
    yield ok(f"channels: {', '.join(channels)}", f"{sample}/data")
    name = f"{sample}/config/hyperparameters.json"
    try:
        values = read_hyperparameters(algorithm.sample.hyperparameters)
    except UsageError as problem:
        yield error(str(problem))
        return
    for key, value in values.items():
        if not isinstance(value, str):
            yield warning(f"{key} is {value!r}: SageMaker hands on strings only", name)


def _parse(file: Path) -> ast.Module | Finding:
    """A file's syntax tree, or why Python can't compile it."""
    try:
        source = file.read_bytes()
        compile(source, file.name, "exec", dont_inherit=True)
        return ast.parse(source, file.name)
    except SyntaxError as problem:
        return error(f"can't be compiled: {problem.msg}", file.name, problem.lineno)
    except ValueError as problem:
        return error(f"can't be compiled: {problem}", file.name)


def _import(file: Path, environ: Mapping[str, str]) -> Finding:
    """Import a file in a process of its own."""
    try:
        status, last = last_word("byo.contract_check.import_module", environ, file)
    except NotTold as problem:
        return error(str(problem), file.name)
    if status == 0 and last == IMPORTED:
        return ok("imports", file.name)
    if status == 1:
        return error(last.removeprefix(f"{file} "), file.name)
    return error("its import ended the process with exit code 0", file.name)
