"""The options of ``byo transform``: CreateTransformJob's names in lower case, with dashes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from byo.cli.options import add_algorithm, add_base_dir
from byo.transform.input_objects import DataType
from byo.transform.job_settings import Assembly, JobSettings, Split, Strategy

ROWS_PER_PART = 100_000


def add_job_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the job, as CreateTransformJob has it")
    words = group.add_argument
    words("--data-type", **_choice(DataType, "S3Prefix", "what INPUT is"))
    words("--content-type", metavar="T", help="of each request (default: by the files' ending)")
    words("--accept", metavar="T", help="of each answer (default: the container's choice)")
    words("--split-type", **_choice(Split, "None", "what a record of an object is"))
    words(
        "--batch-strategy",
        **_choice(Strategy, None, "records of a request: one, or as many as fit"),
    )
    words("--max-payload", type=int, metavar="MB", help="of a request (default: 6; 0: in chunks)")
    words("--max-concurrent", type=int, metavar="N", help="requests at once (default: 1)")
    words("--assemble-with", **_choice(Assembly, "None", "what ends each answer in the output"))
    words("--compression", choices=("none", "gzip"), default="none", help="of the objects")
    words("--input-filter", default="$", metavar="PATH", help="what of a record is sent: $[1:]")
    words(
        "--output-filter",
        default="$",
        metavar="PATH",
        help="what of an answer, or of what was joined, is kept: $[0,-1]",
    )
    words(
        "--join",
        choices=("none", "input"),
        default="none",
        help="input: each record comes before its answer",
    )
    words("--timeout", type=int, default=600, metavar="S", help="of a request (default: 600)")
    words(
        "--retries", type=int, default=3, metavar="N", help="of a request that fails (default: 3)"
    )
    words(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable for the container; may be repeated",
    )


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("beyond one machine: parts of objects on a Dask cluster")
    group.add_argument("--scheduler", metavar="ADDRESS", help="a cluster's: tcp://… or tls://…")
    group.add_argument("--hosts", type=int, metavar="N", help="so many workers on this machine")
    group.add_argument(
        "--rows-per-part",
        type=int,
        default=ROWS_PER_PART,
        metavar="ROWS",
        help=f"lines of a part (default: {ROWS_PER_PART})",
    )


def add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input", metavar="INPUT", help="a file, a folder, s3://bucket/prefix, or a manifest"
    )
    parser.add_argument("output", metavar="OUTPUT", help="a folder or s3://bucket/prefix")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="PLACE",
        help="a model to ask: a folder, a file such as model.joblib, or a model.tar.gz "
        "(default: the tree's)",
    )
    add_algorithm(parser)
    add_base_dir(parser)
    parser.add_argument("--image", metavar="IMAGE", help="ask a container of this image")
    parser.add_argument("--url", metavar="URL", help="ask a server that runs already")


def job_settings(options: argparse.Namespace, content_type: str | None) -> JobSettings:
    """The settings that options mean.

    Raises:
        UsageError: a value is out of bounds, or two of them can't go together.
    """
    return JobSettings(
        split=_meant(Split, options.split_type),
        strategy=_meant(Strategy, options.batch_strategy),
        max_payload=options.max_payload,
        max_concurrent=options.max_concurrent,
        assemble=_meant(Assembly, options.assemble_with),
        content_type=content_type,
        accept=options.accept,
        input_filter=options.input_filter,
        output_filter=options.output_filter,
        join=options.join == "input",
        gzip=options.compression == "gzip",
        timeout=options.timeout,
        retries=options.retries,
    )


def data_type(options: argparse.Namespace) -> DataType:
    meant: DataType = _meant(DataType, options.data_type)
    return meant


def _choice(kind: Any, default: str | None, text: str) -> dict[str, Any]:
    words = [_word(name) for name in get_args(kind)]
    usual = f" (default: {_word(default)})" if default else ""
    return {
        "choices": words,
        "default": _word(default) if default else None,
        "help": f"{text}{usual}",
    }


def _meant(kind: Any, word: str | None) -> Any:
    return next((name for name in get_args(kind) if _word(name) == word), None)


def _word(name: str) -> str:
    """`SingleRecord` as `single-record`, `RecordIO` as `recordio`."""
    words = {"S3Prefix": "s3-prefix", "ManifestFile": "manifest-file"}
    words |= {"AugmentedManifestFile": "augmented-manifest-file"}
    words |= {"SingleRecord": "single-record", "MultiRecord": "multi-record"}
    return words.get(name, name.lower())
