"""``byo push``: the image to Amazon ECR, by the checkout's own script."""

from __future__ import annotations

import argparse
from typing import NoReturn

from byo.cli.exec_shell_script import become_script

DESCRIPTION = """\
Run docker/build_and_push.sh of the project's checkout with --no-build. An image named NAME or
NAME:TAG goes to ECR in your account and region, into a repository that is made if it is absent;
one whose name has a registry goes there. The last line is the name to give to SageMaker.

The region is AWS_REGION, else AWS_DEFAULT_REGION, else that of `aws configure`; the credentials
are those of the AWS command line, which must be installed.
"""
EXAMPLES = """\
examples:
  byo push byo
  byo push mine:1.0 --dry-run
  byo push 123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1.0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="an image that `byo build` made")
    parser.add_argument(
        "--dry-run", action="store_true", help="show the commands instead of running them"
    )


def run(options: argparse.Namespace) -> NoReturn:
    dry_run = ("--dry-run",) if options.dry_run else ()
    become_script("push", "--no-build", *dry_run, options.image)
