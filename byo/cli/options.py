"""Options that several subcommands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from byo.algorithm_folder import find_algorithm
from byo.cli.own_tree import OWN_TREE
from byo.command_errors import UsageError
from byo.tree.channels import FORM, Channel
from contract.paths import BASE_DIR_VARIABLE


def add_algorithm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--algorithm",
        type=Path,
        metavar="DIR",
        help="the algorithm folder (default: BYO_ALGORITHM_DIR, else the first of ., "
        "./algorithm and /opt/program that holds a train.py)",
    )


def add_base_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base-dir",
        type=Path,
        metavar="DIR",
        default=os.environ.get(BASE_DIR_VARIABLE) or None,
        help=f"the /opt/ml tree (default: {BASE_DIR_VARIABLE}, else ./{OWN_TREE})",
    )


def add_channels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--channel",
        type=_channel,
        action="append",
        default=[],
        metavar=FORM,
        help="data to train on, as the channel NAME; may be repeated",
    )


def check_channels(channels: Sequence[Channel]) -> None:
    """Each channel once.

    Raises:
        UsageError: one is given twice.
    """
    names = [channel.name for channel in channels]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"--channel {twice[0]} is given twice: a channel is one file or folder")


def add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image",
        metavar="IMAGE",
        help="do it in a container of this image; --algorithm then takes the place of its own",
    )
    add_docker_options(parser, "with --image, after --: more options of `docker run`")


def add_docker_options(parser: argparse.ArgumentParser, usage: str) -> None:
    parser.add_argument("docker_options", nargs="*", metavar="DOCKER_OPTION", help=usage)


def docker_options(options: argparse.Namespace) -> list[str]:
    """What `docker` is to get beside our own options.

    Raises:
        UsageError: there is no image to use them with, or they are no options.
    """
    given: list[str] = options.docker_options
    if given and not (options.image and given[0].startswith("-")):
        raise UsageError(f"{given[0]!r} is not understood; options of docker need an image and --")
    return given


def replacing_algorithm(options: argparse.Namespace) -> Path | None:
    """The folder that takes the place of an image's own algorithm.

    Raises:
        UsageError: the folder does not exist.
    """
    return find_algorithm(options.algorithm, {}).folder if options.algorithm else None


def seconds(text: str) -> float:
    """An argparse type: a time in seconds, more than none."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 86400")
    return value


def _channel(text: str) -> Channel:
    try:
        return Channel.parse(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
