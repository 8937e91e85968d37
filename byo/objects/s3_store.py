"""A bucket of S3, in AWS or behind any endpoint, through boto3.

The region, the credentials and the endpoint are those of the AWS tools: ``AWS_REGION``,
``AWS_PROFILE``, ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` and so on.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from byo.command_errors import UsageError
from byo.objects.object_store import (
    CHUNK_BYTES,
    NoAccess,
    NoSuchObject,
    ObjectInfo,
    ObjectsFailed,
    StoreUnreachable,
)
from byo.objects.whole_file import whole_file
from byo.prerequisites import require_module

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
CONNECT_SECONDS, READ_SECONDS = 10, 60
ATTEMPTS = 4
# As many threads at once find a connection of their own.
CONNECTIONS = 64
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
# Of what a store may say where an object, or its bucket, is not there, or not to be had.
ABSENT = {"NoSuchKey", "404", "NotFound", "NoSuchVersion"}
FORBIDDEN = {
    "AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "ExpiredToken", "InvalidToken", "AllAccessDisabled", "RequestTimeTooSkewed",
}  # fmt: skip
TRANSIENT = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "503", "500"}

_clients: dict[tuple[tuple[str, str], ...], Any] = {}
_making = threading.Lock()


class S3Store:
    """The objects of a bucket.

    boto3 is imported, and a client made, by the first request.

    Args:
        bucket: its name.

    Raises:
        UsageError: it is no name of a bucket.
    """

    def __init__(self, bucket: str) -> None:
        if not BUCKET.fullmatch(bucket):
            raise UsageError(f"{bucket!r} is no name of a bucket: s3://bucket/prefix is an address")
        self.bucket = bucket

    def address(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._told(prefix):
            pages = _client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    if not entry["Key"].endswith("/"):
                        yield _info(entry["Key"], int(entry["Size"]), entry)

    def fetch(self, key: str, to: Path) -> ObjectInfo:
        with self._told(key):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return self._fetch(key, to)
                except _broken_off():
                    if attempt == ATTEMPTS:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def read(self, key: str) -> bytes:
        with self._told(key):
            return bytes(self._get(key)["Body"].read())

    def put(self, key: str, content: bytes | Path, content_type: str | None = None) -> str:
        more = {"ContentType": content_type} if content_type else {}
        with self._told(key):
            if isinstance(content, bytes):
                _client().put_object(Bucket=self.bucket, Key=key, Body=content, **more)
            else:
                with content.open("rb") as file:
                    _client().upload_fileobj(file, self.bucket, key, ExtraArgs=more)
        return self.address(key)

    def _get(self, key: str) -> Any:
        if not key:
            raise NoSuchObject(f"{self.address(key)} names a bucket, and no object in it")
        return _client().get_object(Bucket=self.bucket, Key=key)

    def _fetch(self, key: str, to: Path) -> ObjectInfo:
        answer, size = self._get(key), 0
        with closing(answer["Body"]) as body, whole_file(to) as file:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                size += file.write(chunk)
        return _info(key, size, answer)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Say in our own errors, by the place, what boto3's own say."""
        require_module("boto3", "boto3")
        from boto3.exceptions import Boto3Error
        from botocore import exceptions as told

        place = self.address(key)
        try:
            yield
        except told.ClientError as error:
            raise self._refused(place, error.response.get("Error", {})) from None
        except (
            told.NoCredentialsError,
            told.PartialCredentialsError,
            told.CredentialRetrievalError,
        ) as error:
            raise NoAccess(f"{place}: {error}; `aws configure` or AWS_PROFILE sets them") from None
        except (told.HTTPClientError, told.ConnectionError) as error:
            raise StoreUnreachable(f"{place} can't be reached: {error}") from None
        except (told.BotoCoreError, Boto3Error) as error:
            raise ObjectsFailed(f"{place}: {error}") from None
        except OSError as error:
            raise ObjectsFailed(f"{error.filename or place}: {error.strerror or error}") from None

    def _refused(self, place: str, error: dict[str, str]) -> ObjectsFailed:
        code, said = str(error.get("Code", "")), error.get("Message", "")
        if code == "NoSuchBucket":
            return NoSuchObject(f"{place}: there is no bucket {self.bucket}")
        if code in ABSENT:
            return NoSuchObject(f"{place}: there is no such object")
        if code in FORBIDDEN:
            return NoAccess(
                f"{place}: access is refused ({code}: {said}); where the bucket may not be listed, "
                "S3 says so too of objects that are not there"
            )
        kind = StoreUnreachable if code in TRANSIENT else ObjectsFailed
        return kind(f"{place}: S3 answers with {code}: {said}")


def _info(key: str, size: int, entry: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo(key, size, str(entry.get("ETag", "")).strip('"'))


def _broken_off() -> tuple[type[Exception], ...]:
    """What is raised where a body is not read to its end: boto3 asks again only before that."""
    from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

    return IncompleteReadError, ReadTimeoutError, ResponseStreamingError


def _client() -> Any:
    """The client for the environment as it is now; clients may be used by several threads."""
    made_for = tuple(sorted(each for each in os.environ.items() if each[0].startswith("AWS_")))
    client = _clients.get(made_for)
    if client is None:
        with _making:  # making one is not safe among threads
            client = _clients.get(made_for)
            if client is None:
                client = _clients[made_for] = _make_client()
    return client


def _make_client() -> Any:
    import boto3
    from botocore.config import Config

    # Stores beside AWS's own may not know its checksums.
    checksums = "when_required" if any(map(os.environ.get, ENDPOINTS)) else "when_supported"
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
    return boto3.session.Session().client("s3", config=config)
