"""``byo check``: does an algorithm folder, or a container that runs, keep the contract?"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from byo.algorithm_folder import find_algorithm
from byo.cli.check_url import add_url_arguments, check_url, refuse_mixture
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import add_channels, check_channels, seconds
from byo.cli.progress_and_colour import say_finding, working
from byo.cli.temporary_folder import scratch
from byo.command_errors import CheckFailed
from byo.containers import require_image
from byo.contract_check import (
    Finding,
    Level,
    check_folder,
    check_imports_in,
    check_round_trip,
)
from byo.prerequisites import require_serving, train_executable
from contract.requirements.requirement_lines import FILE_NAME

DESCRIPTION = """\
Check an algorithm folder: first what its files say, then, in a scratch folder, what they do:
train on sample/ or on what --channel names, serve the model, GET /ping, send sample/payload.csv
and the example row of signature.json, and count the predictions. With --image, first import in a
container of that image what requirements.txt names, and tell which library of the system is
missing. The exit code is 1 if there is any error.

With --url, check a container that runs, whoever made it, by SageMaker's rules for its mode: a line
for each rule, and exit code 1 if one fails that a container must keep.
"""
EXAMPLES = """\
examples:
  byo check
  byo check mine
  byo check mine --channel training=measurements.csv
  byo check mine --no-round-trip
  byo check mine --image byo
  byo check --url http://127.0.0.1:8080 --payload payload.csv --accept text/csv
  byo check --url http://127.0.0.1:8080 --mode multi --payload payload.csv \\
      --model-url /opt/ml/models/one/model --junit report.xml
"""
TIMEOUT_SECONDS = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="the algorithm folder (default: BYO_ALGORITHM_DIR, else the first of ., "
        "./algorithm and /opt/program that holds a train.py)",
    )
    add_channels(parser)
    parser.add_argument(
        "--no-round-trip", action="store_true", help="look at the files only: train nothing"
    )
    parser.add_argument(
        "--image",
        metavar="IMAGE",
        help="also import what requirements.txt names in a container of this image",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help="how long training may take, and the server until ready "
        f"(default: {TIMEOUT_SECONDS:g}); with --url how long an answer may take (default: 60)",
    )
    add_url_arguments(parser)


def run(options: argparse.Namespace) -> int:
    refuse_mixture(options)
    return check_url(options) if options.url else check_algorithm(options)


def check_algorithm(options: argparse.Namespace) -> int:
    """Check an algorithm folder, and say each finding.

    Raises:
        CheckFailed: there is an error among them.
    """
    timeout = options.timeout or TIMEOUT_SECONDS
    check_channels(options.channel)
    algorithm = find_algorithm(options.directory, os.environ)
    if options.image:
        require_image(options.image)
    say(f"{algorithm.folder}")
    errors = _show(check_folder(algorithm, os.environ, working))
    if options.image and not errors:
        with working(f"importing in {options.image} what {FILE_NAME} names"):
            found = check_imports_in(options.image, algorithm.folder, timeout)
        errors = _show(found)
    if options.no_round_trip or not (algorithm.has_sample or options.channel):
        say("skipped  the round trip")
    elif errors:
        say("skipped  the round trip, until the errors above are mended")
    else:
        train_executable()
        require_serving(os.environ)
        with scratch("check") as folder:
            found = check_round_trip(
                algorithm, os.environ, folder, timeout, working, options.channel
            )
            errors = _show(found)
            _raise_if(errors, algorithm.folder)
    _raise_if(errors, algorithm.folder)
    return 0


def _show(findings: Iterable[Finding]) -> int:
    """Say each finding as it comes; how many of them are errors."""
    errors = 0
    for finding in findings:
        say_finding(finding)
        errors += finding.level is Level.ERROR
    return errors


def _raise_if(errors: int, folder: Path) -> None:
    if errors:
        raise CheckFailed(
            f"{folder} does not keep the contract: {errors} error{'s' * (errors != 1)}"
        )
