"""``byo train``: a training job on this machine, through the real `train`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from byo.algorithm import find_algorithm
from byo.cli.edge import say
from byo.cli.options import OWN_TREE, add_algorithm, add_base_dir
from byo.job import clear_outcome, given_job, sample_job
from byo.prerequisites import train_executable
from byo.training import run_training

SUMMARY = "run a training job as SageMaker does"
DESCRIPTION = f"""\
Run the real `train` on an /opt/ml tree and show its output as it comes.

Without --base-dir the tree is ./{OWN_TREE}, made from the algorithm's sample/ each time.
In a tree that you name, missing configuration files are made and existing ones never altered.
An earlier run's output/failure and output/success are removed; its model is moved to
model.previous in the tree, in place of the one there. Every environment variable passes on.
"""
EXAMPLES = """\
examples:
  byo train
  byo train --algorithm mine --hyperparameter n_estimators=50 --hyperparameter max_depth=4
  byo train --algorithm mine --base-dir /data/opt-ml
"""


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


def run(options: argparse.Namespace) -> int:
    train_executable()
    algorithm = find_algorithm(options.algorithm, os.environ)
    hyperparameters = dict(options.hyperparameter)
    if options.base_dir is None:
        paths = sample_job(_own_tree(), algorithm, hyperparameters)
        say(f"byo train: the job's tree is {paths.base}, made from {algorithm.sample.base}")
    else:
        paths = given_job(options.base_dir, hyperparameters)
        say(f"byo train: the job's tree is {paths.base}")
    previous = clear_outcome(paths)
    if previous:
        say(f"byo train: the model of an earlier run was moved to {previous}")
    run_training(paths, algorithm, os.environ)
    say(f"byo train: the model is in {paths.model}; serve it with `byo serve`")
    return 0


def _own_tree() -> Path:
    """The tree in the current folder, kept out of the user's version control."""
    tree = Path(OWN_TREE)
    tree.mkdir(exist_ok=True)
    (tree / ".gitignore").write_text("*\n", encoding="utf-8")
    return tree


def _hyperparameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value
