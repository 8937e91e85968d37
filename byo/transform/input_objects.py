"""The objects of a job: what `S3DataType` and `S3Uri` mean, for folders and files as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from byo.command_errors import UsageError
from byo.objects import NoSuchObject, ObjectInfo, ObjectsFailed, ObjectStore, store_of

DataType = Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile"]

SUFFIX = ".out"


@dataclass(frozen=True, slots=True)
class InputObject:
    """One object to transform.

    Args:
        store: where it lies.
        info: its key, size and etag there.
        name: what it is called in the output, without `.out`.
    """

    store: ObjectStore
    info: ObjectInfo
    name: str

    @property
    def address(self) -> str:
        return self.store.address(self.info.key)

    @property
    def shown(self) -> str:
        """As SageMaker's log has it: ``bucket/key``; a file by its path."""
        if self.address.startswith("file://"):
            return unquote(self.address.removeprefix("file://"))
        return self.address.removeprefix("s3://")

    @property
    def output(self) -> str:
        return self.name + SUFFIX


def find_objects(place: str, data_type: DataType = "S3Prefix") -> list[InputObject]:
    """The objects that a place means, in the order of their keys or of the manifest.

    Args:
        place: a file, a folder, ``s3://bucket/prefix``, the address of one object behind HTTP, or
            that of a manifest.
        data_type: which of these it is.

    Raises:
        UsageError: there is none, or the manifest is not as it has to be.
        ObjectsFailed: the place can't be read.
    """
    if data_type == "AugmentedManifestFile":
        raise UsageError(
            "SageMaker's transform jobs take no AugmentedManifestFile, as CreateTransformJob has "
            "it: list the objects in a ManifestFile, or name their prefix"
        )
    found = _of_manifest(place) if data_type == "ManifestFile" else _of_prefix(place)
    objects = list(found)
    if not objects:
        raise UsageError(f"{place} has no object to transform")
    names = [one.name for one in objects]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise UsageError(f"{place} lists {twice[0]} twice: each object has one output")
    return objects


def _of_prefix(place: str) -> Iterator[InputObject]:
    store, prefix = store_of(place)
    if place.startswith(("http://", "https://")):
        yield InputObject(store, ObjectInfo(prefix, 0, ""), prefix.rpartition("/")[2])
        return
    try:
        listed = list(store.list(prefix))
    except NoSuchObject as error:
        raise UsageError(f"INPUT: {error.cause}") from None
    if not place.startswith("s3://") and prefix:  # a file: nothing else that begins like it
        listed = [info for info in listed if info.key == prefix]
    above = prefix.rfind("/") + 1
    for info in listed:
        yield InputObject(store, info, info.key[above:])


def _of_manifest(place: str) -> Iterator[InputObject]:
    prefix, names = _read_manifest(place)
    if "://" not in prefix:
        store, key = store_of(place)
        if not place.startswith("s3://"):
            above = Path(unquote(store.address(key).removeprefix("file://"))).parent
            prefix = str(above / prefix)
    base, above_keys = store_of(prefix)
    for name in names:
        key = above_keys + name
        info = next((info for info in base.list(key) if info.key == key), None)
        if info is None:
            raise UsageError(f"{place}: {base.address(key)} is listed and does not exist")
        yield InputObject(base, info, name)


def _read_manifest(place: str) -> tuple[str, list[str]]:
    store, key = store_of(place)
    if not key:
        raise UsageError(f"the manifest {place} is no file or object")
    try:
        content = json.loads(store.read(key))
    except ObjectsFailed as error:
        raise UsageError(f"the manifest {error.cause}") from None
    except ValueError as error:
        raise UsageError(f"the manifest {place} is no JSON: {error}") from None
    form = '[{"prefix": "s3://bucket/prefix/"}, "key", …]'
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        raise UsageError(f"the manifest {place} is not of the form {form}")
    prefix, names = content[0].get("prefix"), content[1:]
    if not isinstance(prefix, str) or not all(isinstance(name, str) and name for name in names):
        raise UsageError(f"the manifest {place} is not of the form {form}")
    return prefix, names
