"""``byo build``: the image, by the checkout's own script."""

from __future__ import annotations

import argparse
import os
from typing import NoReturn

from byo.algorithm_folder import find_algorithm
from byo.cli.exec_shell_script import become_script
from byo.cli.options import add_algorithm, add_docker_options, docker_options
from byo.command_errors import UsageError
from contract.requirements.local_files import problems
from contract.requirements.requirement_lines import FILE_NAME

DEFAULT_IMAGE = "byo"

DESCRIPTION = """\
Run docker/build_and_push.sh of the project's checkout with --no-push: docker builds the image,
for linux/amd64, in a form that SageMaker takes. The algorithm folder is copied first, without
version control, environments, caches, .byo, .env and what its .dockerignore names; a line says
what goes in. A file that looks like a secret is refused unless the .dockerignore takes it along
by name (!NAME).
"""
EXAMPLES = """\
examples:
  byo build
  byo build mine:1.0 --algorithm mine
  byo build byo -- --no-cache
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image",
        nargs="?",
        default=DEFAULT_IMAGE,
        metavar="IMAGE",
        help="its name, with or without a tag (default: %(default)s)",
    )
    add_algorithm(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show the commands instead of running them"
    )
    add_docker_options(parser, "after --: more options of `docker build`")


def run(options: argparse.Namespace) -> NoReturn:
    folder = find_algorithm(options.algorithm, os.environ).folder
    for line, why in problems(folder / FILE_NAME):
        raise UsageError(f"{line.file}:{line.number}: {why}")
    dry_run = ("--dry-run",) if options.dry_run else ()
    more = docker_options(options)
    become_script(
        "build", "--no-push", *dry_run, "--algorithm", str(folder), options.image, "--", *more
    )
