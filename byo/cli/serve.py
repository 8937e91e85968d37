"""``byo serve``: the real server on this machine, in the foreground."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from byo.algorithm_folder import Algorithm, algorithm_if_any
from byo.child_processes import with_packages
from byo.cli.errors_to_exit_codes import note, say
from byo.cli.options import (
    add_algorithm,
    add_base_dir,
    add_image,
    docker_options,
    replacing_algorithm,
)
from byo.cli.own_tree import OWN_TREE, own_tree
from byo.command_errors import UsageError
from byo.containers import MODEL, Models, attached, find_models, require_image, serving_container
from byo.endpoint import serving_environ
from byo.endpoint.local_endpoint import ADDRESS, BIND_ADDRESS_VARIABLE, SERVE_COMMAND
from byo.prerequisites import require_serving
from byo.tree.earlier_models import previous_model
from byo.tree.model_to_serve import require_followed, tree_of
from byo.tree.run_record import RunRecord
from contract.early_interrupt import wait_for_next_program
from contract.environment_reader import Reader
from contract.paths import Paths
from contract.settings import HIGHEST_PORT, RELOAD_VARIABLE

PORT_VARIABLE = "SAGEMAKER_BIND_TO_PORT"
MULTI_MODEL_VARIABLE = "SAGEMAKER_MULTI_MODEL"
CODE = ("train.py", "inference.py")

DESCRIPTION = f"""\
Run the real `serve` in the foreground, on 127.0.0.1 unless BYO_BIND_ADDRESS says otherwise. It
becomes this process: signals reach it as they are, and its exit code is the command's.

Without --base-dir the model is the one that `byo train` left in ./{OWN_TREE}; --model names any
other, which needs no algorithm folder where the default functions do.

With --reload a change of the algorithm folder or of the model is loaded beside what serves, and
then takes its place. What can't be loaded leaves all as it was, and the log says why.

With --image it runs in a container, which can't write to the model; a signal stops the container
(SIGTERM, and SIGKILL 30 seconds later). It is the image's own algorithm that answers, unless
--algorithm names one. Of the environment variables those pass on whose names begin with
SAGEMAKER_, MODEL_SERVER_ or BYO_.
"""
EXAMPLES = """\
examples:
  byo serve
  byo serve --algorithm mine --port 9000
  byo serve --algorithm mine --reload      edit mine/inference.py, or train again, meanwhile
  byo serve --model model.tar.gz
  SAGEMAKER_INFERENCE_OUTPUT=predicted_label,probability byo serve
  byo serve --multi-model        then POST {"model_name": …, "url": …} to /models
  byo serve --image byo
  byo serve --image byo --multi-model --models tenants -- --memory 2g
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_algorithm(parser)
    add_base_dir(parser)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="PLACE",
        help="a model to serve: a folder, a file such as model.joblib, or a model.tar.gz "
        "(default: the tree's)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=os.environ.get(PORT_VARIABLE) or "8080",
        metavar="N",
        help=f"the port (default: {PORT_VARIABLE}, else 8080)",
    )
    parser.add_argument(
        "--multi-model",
        action="store_true",
        help="start with no model; load models at run time "
        f"(the same as {MULTI_MODEL_VARIABLE}=true)",
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="with --image and --multi-model: a folder of model directories (default: the tree's "
        "one model)",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="serve a change of the algorithm folder or of the model at once, without losing a "
        f"request (the same as {RELOAD_VARIABLE}=true)",
    )
    add_image(parser)


def run(options: argparse.Namespace) -> int:
    options.multi_model = options.multi_model or Reader(os.environ).flag(MULTI_MODEL_VARIABLE)
    if options.reload:
        os.environ[RELOAD_VARIABLE] = "true"  # which the server reads, here or in a container
    options.reload = Reader(os.environ).flag(RELOAD_VARIABLE)
    if options.models and not (options.image and options.multi_model):
        raise UsageError("--models goes with --image and --multi-model")
    if options.model and options.multi_model:
        raise UsageError(
            "--model names the one model to serve: leave out --multi-model, or unset "
            f"{MULTI_MODEL_VARIABLE}"
        )
    if options.reload and options.model:
        require_followed(options.model, in_container=bool(options.image))
    more = docker_options(options)
    if options.image:
        return _serve_in_image(options, more)
    return _serve_here(options)


def _tree(options: argparse.Namespace) -> Paths:
    """The tree whose model is served; with --model, one made for it."""
    if options.model:
        tree = own_tree() / f"served-{options.port}"
        return tree_of(options.model, tree, followed=options.reload)
    paths = Paths((options.base_dir or Path(OWN_TREE)).resolve())
    if not options.multi_model or (options.image and not options.models):
        _require_model(paths)
    return paths


def _serve_here(options: argparse.Namespace) -> NoReturn:
    """Become the server."""
    require_serving(os.environ)
    paths = _tree(options)
    environ = serving_environ(
        os.environ,
        paths,
        _code(options, paths),
        options.port,
        multi_model=options.multi_model,
        address=os.environ.get(BIND_ADDRESS_VARIABLE) or ADDRESS,
    )
    wait_for_next_program()
    os.execve(sys.executable, SERVE_COMMAND, with_packages(environ))  # noqa: S606


def _code(options: argparse.Namespace, paths: Paths) -> Algorithm:
    """The folder whose functions serve; it is said which, and if the model is another one's."""
    tree = options.model.resolve().parent if options.model else paths.base
    trained = RunRecord.read(tree).algorithm
    found = algorithm_if_any(options.algorithm, os.environ, CODE)
    if found is None and trained and Path(trained).is_dir():
        found = Algorithm(Path(trained))
    if found is None:
        say("byo serve: there is no algorithm folder here: the default functions serve the model")
        nothing = own_tree() / "no-algorithm"
        nothing.mkdir(exist_ok=True)
        return Algorithm(nothing.resolve())
    say(f"byo serve: {paths.model.resolve()} with the code of {found.folder}")
    if trained and trained != str(found.folder) and not options.multi_model:
        note("serve", f"warning: the model was trained by {trained}; --algorithm names its folder")
    return found


def _serve_in_image(options: argparse.Namespace, more: Sequence[str]) -> int:
    """Serve from a container until it ends or a signal stops it; its exit code."""
    require_image(options.image)
    folder = replacing_algorithm(options)
    paths = _tree(options)
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
    if paths.model.is_dir() and any(paths.model.iterdir()):
        return
    previous = previous_model(paths)
    if previous:
        raise UsageError(
            f"{paths.model} holds no model, as the last training left none; the last good one is "
            f"served by `{shlex.join(['byo', 'serve', '--model', str(previous)])}`"
        )
    raise UsageError(
        f"{paths.model} holds no model: train one with `byo train`, name a model with --model, "
        "or another tree with --base-dir"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port from 1 to {HIGHEST_PORT}, the highest that "
            "multi-model-server can listen on"
        )
    return int(text)
