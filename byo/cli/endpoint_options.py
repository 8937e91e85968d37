"""The options that the actions of ``byo endpoint`` share."""

from __future__ import annotations

import argparse
from pathlib import Path

ADDRESS = "127.0.0.1"
PORT = 9000
# What `add_container` adds.
CONTAINER = ("model", "models", "image", "url", "memory", "env", "algorithm")
UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def add_container(parser: argparse.ArgumentParser) -> None:
    """Add what says what a variant's container is."""
    parser.add_argument(
        "--model",
        metavar="PLACE",
        help="the model: a folder, a file such as model.joblib, a model.tar.gz, or the s3:// "
        "address of one",
    )
    parser.add_argument(
        "--models",
        metavar="PLACE",
        help="many models, each a model.tar.gz in this folder or below this s3:// prefix: clients "
        "name one by TargetModel",
    )
    parser.add_argument("--image", metavar="IMAGE", help="run it in a container of this image")
    parser.add_argument("--url", metavar="URL", help="use a server that runs already")
    parser.add_argument(
        "--memory", type=_bytes, metavar="SIZE", help="what the container may take: 512m, 2g"
    )
    parser.add_argument(
        "--env",
        type=_variable,
        action="append",
        metavar="NAME=VALUE",
        help="a variable of the container's environment; may be given several times",
    )
    parser.add_argument(
        "--algorithm",
        type=Path,
        metavar="DIR",
        help="the folder whose inference.py serves a model that brings none",
    )


def add_port(parser: argparse.ArgumentParser) -> None:
    """Add the port that the Runtime answers on."""
    parser.add_argument(
        "--port",
        type=port_number,
        default=PORT,
        metavar="N",
        help="the port (default: %(default)s)",
    )


def options_given(options: argparse.Namespace, *names: str) -> list[str]:
    """Those of the options that were given, as they are written."""
    return [f"--{each.replace('_', '-')}" for each in names if getattr(options, each) is not None]


def port_number(text: str) -> int:
    """What an option that names a port to listen on is."""
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 (any free one) to 65535")
    return int(text)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not a variable: NAME=VALUE")
    return name, value


def _bytes(text: str) -> int:
    number, unit = text[:-1], text[-1:].lower()
    if unit.isdigit():
        number, unit = text, ""
    if not number.isdecimal() or unit not in UNITS or not int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512m or 2g")
    return int(number) * UNITS[unit]
