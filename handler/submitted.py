"""User code that is named by an address: fetched from S3 before anything is served.

The SageMaker Python SDK uploads what ``deploy(entry_point=...)`` names as ``sourcedir.tar.gz``,
and sets ``SAGEMAKER_SUBMIT_DIRECTORY`` to its address.
"""

from __future__ import annotations

import tarfile
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from contract.errors import UserCodeError
from contract.machine import MEBIBYTE
from contract.settings import SUBMIT_DIR_VARIABLE
from contract.usercode import check_names, describe
from handler.frontend import MissingPrerequisite

SCHEME = "s3://"
FOLDER_NAME = "submitted"
REGION_VARIABLES = ("SAGEMAKER_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
# sagemaker-training's own name, for an S3 elsewhere.
ENDPOINT_VARIABLE = "S3_ENDPOINT_URL"
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 30, 3
MOST_BYTES = 1024 * MEBIBYTE
HEADER_BYTES = 512


def fetch(environ: Mapping[str, str], scratch: Path, seconds: float) -> Mapping[str, str]:
    """The environment in which the user's code is a local folder, whatever named it.

    Args:
        environ: the settings.
        scratch: the folder to unpack into.
        seconds: how long the download may take.

    Raises:
        UserCodeError: the code can't be fetched or unpacked; the message names its address.
        MissingPrerequisite: boto3 is not installed.
    """
    address = environ.get(SUBMIT_DIR_VARIABLE, "").strip()
    if "://" not in address:
        return environ
    archive, folder = scratch / f"{FOLDER_NAME}.tar.gz", scratch / FOLDER_NAME
    try:
        _download(address, archive, environ, seconds)
        unpack(archive, folder)
    except UserCodeError as error:
        raise UserCodeError(f"{SUBMIT_DIR_VARIABLE} names {address}, {error}") from None
    archive.unlink()
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
                size += HEADER_BYTES + member.size
                if size > most:
                    raise UserCodeError(f"which unpacks to more than the {most} bytes allowed")
                members.extract(member, folder, filter="data")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserCodeError(
            f"which can't be unpacked: {describe(error)}; it must be a gzipped tar of the code"
        ) from None


def _download(address: str, file: Path, environ: Mapping[str, str], seconds: float) -> None:
    if not address.startswith(SCHEME):
        raise UserCodeError("which is neither a folder nor an s3:// address")
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise MissingPrerequisite(
            f"boto3 is not installed, and {address} can't be fetched without: pip install boto3"
        ) from None
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    region = next(filter(None, map(environ.get, REGION_VARIABLES)), None)
    retries = {"total_max_attempts": ATTEMPTS, "mode": "standard"}
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries)
    url, until, size = environ.get(ENDPOINT_VARIABLE) or None, time.monotonic() + seconds, 0
    try:
        client = boto3.client("s3", region_name=region, endpoint_url=url, config=config)
        with file.open("wb") as stream:
            for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(MEBIBYTE):
                size += stream.write(chunk)
                if size > MOST_BYTES or time.monotonic() > until:
                    limits = f"{MOST_BYTES} bytes or in more than {seconds:g} s"
                    raise UserCodeError(f"which does not arrive: it has more than {limits}")
    except (BotoCoreError, ClientError, ValueError, OSError) as error:
        raise UserCodeError(
            f"which can't be fetched: {describe(error)}; it must be an object that this "
            "container's role may read"
        ) from None
