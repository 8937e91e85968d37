"""User code that is named as an archive: fetched and unpacked before anything is served.

The SageMaker Python SDK uploads what ``deploy(entry_point=...)`` names as ``sourcedir.tar.gz``,
and sets ``SAGEMAKER_SUBMIT_DIRECTORY`` to its address. Where there is no S3, it may be a file.
"""

from __future__ import annotations

import logging
import tarfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.errors import ByoError, UserCodeError
from contract.machine import MEBIBYTE
from contract.settings import SUBMIT_DIR_VARIABLE
from contract.user_module import check_names, describe
from handler.serve.java_runtime import MissingPrerequisite

logger = logging.getLogger(__name__)

SCHEME = "s3://"
REGION_VARIABLES = ("SAGEMAKER_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
# sagemaker-training's own name, for an S3 elsewhere.
ENDPOINT_VARIABLE = "S3_ENDPOINT_URL"
BOUNDS = {"connect_timeout": 5, "read_timeout": 30, "retries": {"total_max_attempts": 3}}
MOST_BYTES, CHUNK = 1024 * MEBIBYTE, 65536


def fetch(environ: Mapping[str, str], scratch: Path, seconds: float) -> Mapping[str, str]:
    """The environment in which the submitted code, if it is an archive, is a local folder.

    Args:
        environ: the settings.
        scratch: the folder to unpack into.
        seconds: how long the download may take.

    Raises:
        UserCodeError: the code can't be fetched or unpacked; the message names its address.
        MissingPrerequisite: boto3 is not installed.
    """
    address = environ.get(SUBMIT_DIR_VARIABLE, "").strip()
    remote = "://" in address
    if not remote and not Path(address).is_file():
        return environ
    folder = scratch / "submitted"
    try:
        if remote:
            logger.info("fetching %s", address)
            archive = scratch / "submitted.tar.gz"
            _download(address, archive, environ, seconds)
            unpack(archive, folder)
            archive.unlink()
        else:
            unpack(Path(address), folder)
    except UserCodeError as error:
        raise UserCodeError(f"{SUBMIT_DIR_VARIABLE} names {address}, which {error}") from None
    check_names([folder])
    return {**environ, SUBMIT_DIR_VARIABLE: str(folder)}


def unpack(archive: Path, folder: Path, most: int = MOST_BYTES) -> None:
    """Unpack a gzipped tar, nothing of it outside the folder.

    Raises:
        UserCodeError: it is none, has more than `most` bytes, or would leave the folder.
    """
    size = 0
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                size += tarfile.BLOCKSIZE + member.size
                if size > most:
                    raise UserCodeError(f"unpacks to more than the {most} bytes allowed")
                members.extract(member, folder, filter="data")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserCodeError(f"must be a gzipped tar, and is not: {describe(error)}") from None


def _download(address: str, file: Path, environ: Mapping[str, str], seconds: float) -> None:
    if not address.startswith(SCHEME):
        raise UserCodeError(f"must be a folder or an {SCHEME} address, and is neither")
    try:
        _save(_open(address, environ), file, seconds)
    except ByoError:
        raise
    except Exception as error:  # boto3's own have no root in common
        raise UserCodeError(f"must be an object that can be read: {describe(error)}") from None


def _open(address: str, environ: Mapping[str, str]) -> Any:
    """The object's content, not read yet."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise MissingPrerequisite(f"{address} takes boto3 to fetch: pip install boto3") from None
    region = next(filter(None, map(environ.get, REGION_VARIABLES)), None)
    endpoint = environ.get(ENDPOINT_VARIABLE) or None
    client = boto3.client("s3", region, endpoint_url=endpoint, config=Config(**BOUNDS))
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    return client.get_object(Bucket=bucket, Key=key)["Body"]


def _save(content: Any, file: Path, seconds: float) -> None:
    size, until = 0, time.monotonic() + seconds
    with file.open("wb") as stream:
        for chunk in content.iter_chunks(CHUNK):
            size += stream.write(chunk)
            if size > MOST_BYTES or time.monotonic() > until:
                limits = f"{MOST_BYTES} bytes or take more than {seconds:g} s"
                raise UserCodeError(f"must not have more than {limits}")
