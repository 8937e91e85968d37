"""Channels that a caller names on the command line: files, folders or S3 prefixes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byo.command_errors import RunFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

S3 = "s3://"
# SageMaker's own rule for the name of a channel.
NAME = re.compile(r"[A-Za-z0-9.\-_]{1,64}")
CONTENT_TYPE = ",content_type="
PLAIN_CONFIG = {
    "TrainingInputMode": "File",
    "S3DistributionType": "FullyReplicated",
    "RecordWrapperType": "None",
}
FORM = "NAME=FILE_OR_DIR_OR_S3[,content_type=TYPE]"


@dataclass(frozen=True)
class Channel:
    """A channel of a training job, and where its data is.

    Args:
        name: its name, as in ``SM_CHANNEL_NAME``.
        place: a file or folder of this machine, or an ``s3://`` address.
        content_type: what its files are in, as the job is told; None for nothing said.
    """

    name: str
    place: str
    content_type: str | None = None

    @classmethod
    def parse(cls, text: str) -> Channel:
        """Read ``NAME=PLACE`` with, after it, perhaps ``,content_type=TYPE``.

        Raises:
            UsageError: it has another form, or there is no such place.
        """
        name, equals, rest = text.partition("=")
        place, _, content_type = rest.partition(CONTENT_TYPE)
        if not (equals and place and NAME.fullmatch(name)):
            raise UsageError(f"{text!r} is not {FORM}")
        if not place.startswith(S3):
            found = Path(place).expanduser()
            if not found.exists():
                raise UsageError(f"{name}: {place} does not exist")
            if found.is_dir() and not any(found.iterdir()):
                raise UsageError(f"{name}: the folder {place} is empty")
            place = str(found.resolve())
        return cls(name, place, content_type or None)

    @property
    def is_remote(self) -> bool:
        """Whether the data is fetched first."""
        return self.place.startswith(S3)

    def config(self) -> dict[str, str]:
        """The channel's entry in inputdataconfig.json, as SageMaker writes it."""
        said = {"ContentType": self.content_type} if self.content_type else {}
        return {**said, **PLAIN_CONFIG}

    def put(self, folder: Path, *, mounted: bool = False) -> None:
        """Put the channel's data where the job looks for it; nothing of this machine is copied.

        Args:
            folder: the channel's folder in the tree, which is not there yet.
            mounted: whether a container will be shown the data there, so that an empty place
                is all that is needed.

        Raises:
            UsageError, RunFailed: S3 can't be read, or holds nothing there.
        """
        if self.is_remote:
            folder.mkdir(parents=True)
            _fetch(self, folder)
            return
        place = Path(self.place)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if place.is_file():
            folder.mkdir()
            entry = folder / place.name
            if mounted:
                entry.touch()
            else:
                entry.symlink_to(place)
        elif mounted:
            folder.mkdir()
        else:
            folder.symlink_to(place)

    def mount(self, folder: str) -> tuple[Path, str] | None:
        """What a container is to be shown, and where; None for what lies in the tree itself.

        Args:
            folder: the channel's folder as the container sees it.
        """
        if self.is_remote:
            return None
        place = Path(self.place)
        return (place, f"{folder}/{place.name}") if place.is_file() else (place, folder)


def remove(folder: Path, fetched: Callable[[Path], bool]) -> None:
    """Remove of a channel's folder what `Channel.put` made; what else lies in it stays there.

    Args:
        folder: the channel's folder.
        fetched: whether a file is as it was fetched.
    """
    if folder.is_symlink():
        folder.unlink()
        return
    for entry in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before it
        if entry.is_symlink() or (entry.is_file() and (not entry.stat().st_size or fetched(entry))):
            entry.unlink()
        elif entry.is_dir() and not any(entry.iterdir()):
            entry.rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _fetch(channel: Channel, folder: Path) -> None:
    """Download everything under an S3 prefix, named by what follows it."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise UsageError(
            f"--channel {channel.name}: reading S3 needs boto3: run `pip install boto3`"
        ) from None
    bucket, _, prefix = channel.place.removeprefix(S3).partition("/")
    try:
        client = boto3.client("s3")
        count = 0
        for key in _keys(client, bucket, prefix):
            relative = key[len(prefix) :].lstrip("/") or Path(key).name
            target = folder / relative
            if not target.resolve().is_relative_to(folder.resolve()):
                raise RunFailed(f"--channel {channel.name}: {key!r} would lie outside its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, key, str(target))
            count += 1
    except (BotoCoreError, ClientError) as error:
        raise RunFailed(
            f"--channel {channel.name}: {channel.place} can't be read: {error}"
        ) from None
    if not count:
        raise RunFailed(f"--channel {channel.name}: there is nothing at {channel.place}")


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    """The keys of all objects under a prefix, without the empty ones that stand for folders."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            if not entry["Key"].endswith("/"):
                yield entry["Key"]
