"""``byo doctor``: is this machine ready, and what mends what is not?"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from byo.algorithm_folder import algorithm_if_any
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import add_algorithm, add_base_dir
from byo.cli.own_tree import OWN_TREE
from byo.cli.progress_and_colour import say_finding, working
from byo.command_errors import CheckFailed, UsageError
from byo.contract_check.findings import Level
from byo.doctor.aws_checks import check_aws
from byo.doctor.docker_checks import check_docker
from byo.doctor.endpoint_size import check_size
from byo.doctor.folder_checks import check_folder_and_model
from byo.doctor.machine_checks import check_machine
from byo.doctor.remedies import Remedied, apply
from contract.paths import Paths
from contract.settings import ServingSettings

DESCRIPTION = """\
Check what training and serving need, a line each, with what to do about it: Python, a compiler,
Java, ports, memory, Docker, AWS, the algorithm folder and its model. Only what every command needs
is an error, and the exit code is 1 if there is any. --fix runs those remedies that change this
Python environment alone.
"""
EXAMPLES = """\
examples:
  byo doctor
  byo doctor --fix
  byo doctor --endpoint-size ml.m5.large --models tenants
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_algorithm(parser)
    add_base_dir(parser)
    parser.add_argument("--fix", action="store_true", help="install what pip can install")
    parser.add_argument("--offline", action="store_true", help="do not ask AWS")
    parser.add_argument(
        "--endpoint-size",
        metavar="TYPE",
        help="tell how many models fit on an instance such as ml.m5.large, or on 2x8g",
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="with --endpoint-size: a model directory, or a folder of them (default: the tree's)",
    )


def run(options: argparse.Namespace) -> int:
    paths = Paths((options.base_dir or Path(OWN_TREE)).resolve())
    if options.models and not options.endpoint_size:
        raise UsageError("--models goes with --endpoint-size")
    if options.endpoint_size:
        with working("loading the models to measure them"):
            models = options.models or paths.model
            found = list(check_size(options.endpoint_size, models, os.environ))
        errors = _show(found, fix=False)
    else:
        errors = _show(_checks(options, paths), fix=options.fix)
    if errors:
        raise CheckFailed(f"{errors} thing{'s' * (errors != 1)} must be mended first")
    return 0


def _checks(options: argparse.Namespace, paths: Paths) -> Iterator[Remedied]:
    yield from check_machine(os.environ, ServingSettings.from_environ(os.environ).port)
    with working("asking Docker"):
        asked = list(check_docker())
    yield from asked
    if not options.offline:
        with working("asking AWS"):
            asked = list(check_aws())
        yield from asked
    yield from check_folder_and_model(
        algorithm_if_any(options.algorithm, os.environ, ("train.py", "inference.py")), paths
    )


def _show(findings: Iterable[Remedied], *, fix: bool) -> int:
    """Say each finding as it comes, and mend it if that is asked for; how many errors are left."""
    errors = 0
    for each in findings:
        say_finding(each.finding)
        mended = False
        if fix and each.fix and each.finding.level is not Level.OK:
            with working(shlex.join(each.fix)):
                failure = apply(each.fix)
            mended = failure is None
            outcome = "done" if mended else f"failed: {failure}"
            say(f"fix      {shlex.join(each.fix)}: {outcome}")
        errors += each.finding.level is Level.ERROR and not mended
    return errors
