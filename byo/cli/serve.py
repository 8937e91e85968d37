"""``byo serve``: the real server on this machine, in the foreground."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from byo.algorithm import find_algorithm
from byo.cli.options import OWN_TREE, add_algorithm, add_base_dir
from byo.endpoint import serving_environ
from byo.endpoint.local import SERVE_COMMAND
from byo.errors import UsageError
from byo.prerequisites import require_serving
from byo.process import with_packages
from contract.paths import Paths
from contract.settings import HIGHEST_PORT

SUMMARY = "serve a trained model on this machine"
DESCRIPTION = f"""\
Run the real `serve` in the foreground, on 127.0.0.1 alone. It becomes this process: signals
reach it as they are, and its exit code is the command's.

Without --base-dir the model is the one that `byo train` left in ./{OWN_TREE}.
"""
EXAMPLES = """\
examples:
  byo serve
  byo serve --algorithm mine --port 9000
  byo serve --multi-model        then POST {"model_name": …, "url": …} to /models
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_algorithm(parser)
    add_base_dir(parser)
    parser.add_argument(
        "--port", type=_port, default=8080, metavar="N", help="the port (default: 8080)"
    )
    parser.add_argument(
        "--multi-model", action="store_true", help="start with no model; load models at run time"
    )


def run(options: argparse.Namespace) -> NoReturn:
    require_serving(os.environ)
    algorithm = find_algorithm(options.algorithm, os.environ)
    paths = Paths((options.base_dir or Path(OWN_TREE)).resolve())
    if not options.multi_model:
        _require_model(paths)
    environ = serving_environ(
        os.environ, paths, algorithm, options.port, multi_model=options.multi_model
    )
    os.execve(sys.executable, SERVE_COMMAND, with_packages(environ))  # noqa: S606


def _require_model(paths: Paths) -> None:
    if not paths.model.is_dir() or not any(paths.model.iterdir()):
        raise UsageError(
            f"{paths.model} holds no model: train one with `byo train`, "
            "or name another tree with --base-dir"
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {HIGHEST_PORT}")
    return int(text)
