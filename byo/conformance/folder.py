"""What an algorithm folder's files say, without running any of it in this process."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from byo.algorithm import Algorithm
from byo.conformance.findings import Finding, error, ok, warning
from byo.conformance.functions import check_functions
from byo.conformance.importing import IMPORTED
from byo.conformance.requirements import check_requirements
from byo.errors import UsageError
from byo.job import read_hyperparameters
from byo.process import child
from contract.errors import UserCodeError
from contract.usercode import check_names

IMPORT_SECONDS = 120.0


def check_folder(algorithm: Algorithm, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check everything that can be told before a training job.

    Args:
        algorithm: the folder.
        environ: the caller's environment, for the process that imports inference.py.
    """
    yield from _check_names(algorithm.folder)
    yield from _check_train(algorithm.folder)
    yield from _check_inference(algorithm.folder, environ)
    yield from _check_requirements(algorithm.folder)
    yield from _check_sample(algorithm)


def _check_names(folder: Path) -> Iterator[Finding]:
    try:
        check_names([folder])
    except UserCodeError as problem:
        yield error(str(problem))


def _check_train(folder: Path) -> Iterator[Finding]:
    if not (folder / "train.py").is_file():
        yield error("there is none: training runs this script", "train.py")
        return
    parsed = _parse(folder / "train.py")
    yield parsed if isinstance(parsed, Finding) else ok("compiles", "train.py")


def _check_inference(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
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
        yield _import(folder / name, environ)


def _check_requirements(folder: Path) -> Iterator[Finding]:
    file = folder / "requirements.txt"
    if file.is_file():
        yield from check_requirements(file.read_text(encoding="utf-8", errors="replace"), file.name)


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
    command = (sys.executable, "-P", "-B", "-m", "byo.conformance.importing", file)
    with tempfile.TemporaryFile() as output:
        with child(command, environ, stdout=output, grace=1.0) as process:
            try:
                process.wait(IMPORT_SECONDS)
            except subprocess.TimeoutExpired:
                return error(f"its import took longer than {IMPORT_SECONDS:g} s", file.name)
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it printed nothing"
    if process.returncode == 0 and last == IMPORTED:
        return ok("imports", file.name)
    if process.returncode == 1:
        return error(last.removeprefix(f"{file} "), file.name)
    return error(f"its import ended the process with exit code {process.returncode}", file.name)
