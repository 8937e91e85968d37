"""``byo train``: a training job on this machine, through the real `train`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from byo.algorithm_folder import Algorithm, find_algorithm
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
from byo.containers import (
    calling_user,
    require_image,
    run_training_container,
    training_container,
)
from byo.folders import held
from byo.job_tree import HOST, clear_outcome, given_job, given_tree, sample_job
from byo.local_hosts import other_hosts, shared_environ
from byo.local_training import run_training
from byo.prerequisites import require_module, train_executable
from contract.paths import Paths

# So that the names sort as the numbers do, and the first host is the first by name.
MOST_HOSTS = 9

DESCRIPTION = f"""\
Run the real `train` on an /opt/ml tree and show its output as it comes.

Without --base-dir the tree is ./{OWN_TREE}, made from the algorithm's sample/ each time.
In a tree that you name, missing configuration files are made and existing ones never altered.
With --hosts the job has several, each a `train` with a tree of its own on an address of its own:
the first on 127.0.0.1 in the tree above, the others in hosts/ in it, where their logs are as well.
With --image the job runs in a container, as you, with the tree as its /opt/ml. It is the image's
own algorithm that runs, unless --algorithm names one.
An earlier run's output/failure and output/success are removed; its model is moved to
model.previous in the tree, in place of the one there. Every environment variable passes on; into
a container those do whose names begin with SAGEMAKER_, MODEL_SERVER_ or BYO_.
"""
EXAMPLES = """\
examples:
  byo train
  byo train --algorithm mine --hyperparameter n_estimators=50 --hyperparameter max_depth=4
  byo train --algorithm mine --base-dir /data/opt-ml
  byo train --algorithm mine --hosts 3
  byo train --image byo
  byo train --image byo --algorithm mine -- --memory 2g --env NAME=VALUE
"""

Train = Callable[[Paths], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_algorithm(parser)
    add_base_dir(parser)
    parser.add_argument(
        "--hyperparameter",
        type=_hyperparameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a hyperparameter, as the string that SageMaker hands on; may be repeated",
    )
    parser.add_argument(
        "--hosts",
        type=_hosts,
        default=(HOST,),
        metavar="N",
        help="how many hosts the job has, all of them on this machine (default: 1)",
    )
    add_image(parser)


def run(options: argparse.Namespace) -> int:
    """Check what can be checked before anything is written, make the job's tree, run the job."""
    more = docker_options(options)
    train = _in_image(options, more) if options.image else _here(options)
    hyperparameters = dict(options.hyperparameter)
    tree = _own_tree() if options.base_dir is None else given_tree(options.base_dir)
    with held(tree, "byo train"):
        if options.base_dir is None:
            algorithm = find_algorithm(options.algorithm, os.environ)
            paths = sample_job(tree, algorithm, hyperparameters, options.hosts)
            say(f"byo train: the job's tree is {paths.base}, made from {algorithm.sample.base}")
        else:
            paths = given_job(tree, hyperparameters, options.hosts)
            say(f"byo train: the job's tree is {paths.base}")
        previous = clear_outcome(paths)
        if previous:
            say(f"byo train: the model of an earlier run was moved to {previous}")
        train(paths)
    serve = f"byo serve --image {options.image}" if options.image else "byo serve"
    say(f"byo train: the model is in {paths.model}; serve it with `{serve}`")
    return 0


def _here(options: argparse.Namespace) -> Train:
    """A job in this environment."""
    train_executable()
    algorithm = find_algorithm(options.algorithm, os.environ)
    if len(options.hosts) == 1:
        return lambda paths: run_training(paths, algorithm, os.environ)
    require_module("distributed", "distributed")
    return lambda paths: _run_hosts(paths, options.hosts, algorithm)


def _run_hosts(paths: Paths, hosts: Sequence[str], algorithm: Algorithm) -> None:
    environ = shared_environ(os.environ, hosts)
    with other_hosts(paths, hosts, algorithm, environ) as logs:
        for host, log in logs.items():
            say(f"byo train: the output of the host {host} goes to {log}")
        run_training(paths, algorithm, environ)


def _in_image(options: argparse.Namespace, more: Sequence[str]) -> Train:
    """A job in a container of an image."""
    if len(options.hosts) > 1:
        raise UsageError("--hosts is for jobs without --image: a container is one host")
    require_image(options.image)
    folder = replacing_algorithm(options)

    def train(paths: Paths) -> None:
        container = training_container(
            options.image,
            paths,
            user=calling_user(),
            environ=os.environ,
            algorithm=folder,
            more=more,
        )
        say(f"byo train: {options.image} runs {folder or 'its own algorithm'}")
        run_training_container(container, paths)

    return train


def _own_tree() -> Path:
    """The tree in the current folder, kept out of the user's version control."""
    tree = Path(OWN_TREE)
    tree.mkdir(exist_ok=True)
    (tree / ".gitignore").write_text("*\n", encoding="utf-8")
    return tree


def _hosts(text: str) -> tuple[str, ...]:
    """The names of so many hosts, which are addresses of this machine."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_HOSTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hosts up to {MOST_HOSTS}")
    names = tuple(f"127.0.0.{number}" for number in range(1, int(text) + 1))
    return names if len(names) > 1 else (HOST,)


def _hyperparameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
