"""``byo train``: a training job on this machine, through the real `train`."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from byo.algorithm_folder import Algorithm, find_algorithm
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import (
    add_algorithm,
    add_base_dir,
    add_channels,
    add_image,
    check_channels,
    docker_options,
    replacing_algorithm,
)
from byo.cli.own_tree import OWN_TREE, own_tree
from byo.command_errors import UsageError
from byo.containers import (
    calling_user,
    require_image,
    run_training_container,
    training_container,
)
from byo.local_hosts import other_hosts, shared_environ
from byo.local_training import run_training
from byo.prerequisites import require_module, train_executable
from byo.tree.earlier_models import clear_outcome, previous_model
from byo.tree.folders import held
from byo.tree.job_tree import HOST, given_job, given_tree, sample_job, unnamed_channels
from byo.tree.run_record import RunRecord
from contract.paths import Paths

# So that the names sort as the numbers do, and the first host is the first by name.
MOST_HOSTS = 9

DESCRIPTION = f"""\
Run the real `train` on an /opt/ml tree and show its output as it comes.

Without --base-dir the tree is ./{OWN_TREE}, made from the algorithm's sample/ each time; with
--channel the data is yours and the sample's hyperparameters stay.
In a tree that you name, missing configuration files are made and your own are never altered;
what byo wrote there is made anew.
With --hosts the job has several, each a `train` with a tree of its own on an address of its own:
the first on 127.0.0.1 in the tree above, the others in hosts/ in it, where their logs are as well.
With --image the job runs in a container, as you, with the tree as its /opt/ml. It is the image's
own algorithm that runs, unless --algorithm names one.
An earlier run's output/failure and output/success are removed; its model is moved to
model.previous in the tree, or to model.failed if that run failed. Every environment variable
passes on; into a container those do whose names begin with SAGEMAKER_, MODEL_SERVER_ or BYO_.
"""
EXAMPLES = """\
examples:
  byo train
  byo train --algorithm mine --hyperparameter n_estimators=50 --hyperparameter max_depth=4
  byo train --algorithm mine --channel training=measurements.csv
  byo train --channel training=s3://bucket/prefix,content_type=text/csv --channel test=holdout/
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
    add_channels(parser)
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
    check_channels(options.channel)
    train = _in_image(options, more) if options.image else _here(options)
    tree = own_tree() if options.base_dir is None else given_tree(options.base_dir)
    with held(tree, "byo train"):
        record = RunRecord.read(tree)
        paths = _make_tree(options, tree, record)
        for name in unnamed_channels(paths):
            say(
                f"byo train: {paths.channel(name)} is no channel of the job: "
                f"{paths.input_data_config} does not name it"
            )
        earlier = clear_outcome(paths, record)
        if earlier:
            say(f"byo train: the model of an earlier run was moved to {earlier}")
        record.algorithm = _trained_folder(options)
        record.outcome = "running"
        record.save(paths.base)
        try:
            train(paths)
        except BaseException:
            record.outcome = "failed"
            record.save(paths.base)
            _tell_previous_model(paths)
            raise
        record.outcome = "succeeded"
        record.save(paths.base)
    if any(paths.model.glob("*")):
        say(f"byo train: the model is in {paths.model}; serve it with `{_serve_command(options)}`")
    else:
        say(f"byo train: the script left nothing in {paths.model}: there is no model to serve")
    return 0


def _make_tree(options: argparse.Namespace, tree: Path, record: RunRecord) -> Paths:
    hyperparameters = dict(options.hyperparameter)
    mounted = bool(options.image)
    if options.base_dir is None:
        algorithm = find_algorithm(options.algorithm, os.environ)
        paths = sample_job(
            tree, algorithm, hyperparameters, options.hosts, options.channel, mounted=mounted
        )
        made_from = ", ".join(channel.place for channel in options.channel)
        source = made_from or algorithm.sample.base
        say(f"byo train: the job's tree is {paths.base}, made from {source}")
        return paths
    paths = given_job(
        tree, hyperparameters, options.hosts, options.channel, mounted=mounted, record=record
    )
    say(f"byo train: the job's tree is {paths.base}")
    return paths


def _trained_folder(options: argparse.Namespace) -> str | None:
    """The algorithm folder that is trained; None for an image's own."""
    if options.image and not options.algorithm:
        return None
    return str(find_algorithm(options.algorithm, os.environ).folder)


def _tell_previous_model(paths: Paths) -> None:
    previous = previous_model(paths)
    if previous:
        say(
            f"byo train: the last good model is in {previous}: serve it with "
            f"`{shlex.join(['byo', 'serve', '--model', str(previous)])}`"
        )


def _serve_command(options: argparse.Namespace) -> str:
    """The whole command that serves what this one has trained."""
    words = ["byo", "serve"]
    for option in ("image", "algorithm", "base_dir"):
        value = getattr(options, option)
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    return shlex.join(words)


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
            channels=options.channel,
            more=more,
        )
        say(f"byo train: {options.image} runs {folder or 'its own algorithm'}")
        run_training_container(container, paths)

    return train


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
