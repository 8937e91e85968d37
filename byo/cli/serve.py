"""``byo serve``: the real server on this machine, in the foreground."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from byo.algorithm_folder import find_algorithm
from byo.child_processes import with_packages
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import (
    OWN_TREE,
    add_algorithm,
    add_base_dir,
    add_image,
    docker_options,
    replacing_algorithm,
)
from byo.command_errors import UsageError
from byo.containers import MODEL, Models, attached, find_models, require_image, serving_container
from byo.endpoint import serving_environ
from byo.endpoint.local_endpoint import SERVE_COMMAND
from byo.prerequisites import require_serving
from contract.paths import Paths
from contract.settings import HIGHEST_PORT

DESCRIPTION = f"""\
Run the real `serve` in the foreground, on 127.0.0.1 alone. It becomes this process: signals
reach it as they are, and its exit code is the command's.

Without --base-dir the model is the one that `byo train` left in ./{OWN_TREE}.

With --image it runs in a container, which can't write to the model; a signal stops the container
(SIGTERM, and SIGKILL 30 seconds later). It is the image's own algorithm that answers, unless
--algorithm names one. Of the environment variables those pass on whose names begin with
SAGEMAKER_, MODEL_SERVER_ or BYO_.
"""
EXAMPLES = """\
examples:
  byo serve
  byo serve --algorithm mine --port 9000
  byo serve --multi-model        then POST {"model_name": …, "url": …} to /models
  byo serve --image byo
  byo serve --image byo --multi-model --models tenants -- --memory 2g
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
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="with --image and --multi-model: a folder of model directories (default: the tree's "
        "one model)",
    )
    add_image(parser)


def run(options: argparse.Namespace) -> int:
    if options.models and not (options.image and options.multi_model):
        raise UsageError("--models goes with --image and --multi-model")
    paths = Paths((options.base_dir or Path(OWN_TREE)).resolve())
    more = docker_options(options)
    if not options.image:
        _serve_here(options, paths)
    return _serve_in_image(options, paths, more)


def _serve_here(options: argparse.Namespace, paths: Paths) -> NoReturn:
    """Become the server."""
    require_serving(os.environ)
    algorithm = find_algorithm(options.algorithm, os.environ)
    if not options.multi_model:
        _require_model(paths)
    environ = serving_environ(
        os.environ, paths, algorithm, options.port, multi_model=options.multi_model
    )
    os.execve(sys.executable, SERVE_COMMAND, with_packages(environ))  # noqa: S606


def _serve_in_image(options: argparse.Namespace, paths: Paths, more: Sequence[str]) -> int:
    """Serve from a container until it ends or a signal stops it; its exit code."""
    require_image(options.image)
    folder = replacing_algorithm(options)
    if not options.models:
        _require_model(paths)
    models = find_models(options.models, paths.model) if options.multi_model else None
    container = serving_container(
        options.image,
        models.folder if models else paths.model,
        models.target if models else MODEL,
        port=options.port,
        environ=os.environ,
        algorithm=folder,
        more=more,
    )
    url = f"http://127.0.0.1:{options.port}"
    with attached(container) as process, suppress(KeyboardInterrupt, SystemExit):
        say(f"byo serve: {options.image} runs {folder or 'its own algorithm'} on {url}")
        if models:
            _tell_models(models, url)
        process.wait()
    return process.returncode


def _tell_models(models: Models, url: str) -> None:
    say(f"byo serve: load a model by a POST to {url}/models of")
    for name, place in models.urls.items():
        say("  " + json.dumps({"model_name": name, "url": place}))


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
