"""``byo build``: the image, by the checkout's own script."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from byo.cli.exec_shell_script import become_script
from byo.cli.options import add_docker_options, docker_options

DEFAULT_IMAGE = "byo"

DESCRIPTION = """\
Run docker/build_and_push.sh of the project's checkout with --no-push: docker builds the image,
for linux/amd64, in a form that SageMaker takes.
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
    parser.add_argument(
        "--algorithm",
        type=Path,
        metavar="DIR",
        help="the algorithm folder to build in (default: algorithm/ of the checkout)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the commands instead of running them"
    )
    add_docker_options(parser, "after --: more options of `docker build`")


def run(options: argparse.Namespace) -> NoReturn:
    algorithm = ("--algorithm", str(options.algorithm)) if options.algorithm else ()
    dry_run = ("--dry-run",) if options.dry_run else ()
    more = docker_options(options)
    become_script("build", "--no-push", *dry_run, *algorithm, options.image, "--", *more)
