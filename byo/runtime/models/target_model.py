"""What a TargetModel names, and what the container knows it by."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from byo.objects import ObjectStore
from byo.objects.folder_store import FolderStore

# Hexadecimal digits of the name that a container knows a model by.
NAME_LENGTH = 32


@dataclass(frozen=True)
class ModelSource:
    """The store and the prefix that an endpoint's models lie under: ``ModelDataUrl``.

    Args:
        store: where they lie.
        prefix: what comes before each TargetModel; a ``/`` between the two is added.
    """

    store: ObjectStore
    prefix: str = ""

    def key(self, target_model: str) -> str:
        """The key of a model's object."""
        if not self.prefix or self.prefix.endswith("/"):
            return self.prefix + target_model
        return f"{self.prefix}/{target_model}"

    def path(self, target_model: str) -> Path | None:
        """Where a model lies on this machine; None where its store is elsewhere.

        Raises:
            NoSuchObject: the name is none that a file can have there.
        """
        if isinstance(self.store, FolderStore):
            return self.store.path(self.key(target_model))
        return None

    def bucket(self) -> str:
        """What stands for the bucket in AWS's messages."""
        address = self.store.address("x").removesuffix("/x")
        return address.removeprefix("s3://").removeprefix("file://")


def container_name(address: str, etag: str) -> str:
    """The name that a container is to know a model by: it says nothing, as in SageMaker.

    Args:
        address: of the model's object.
        etag: of its content; "" where the store has none, and the name then is one of its own.
    """
    what = f"{address}\0{etag or secrets.token_hex(16)}"
    return hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:NAME_LENGTH]


def is_container_name(name: str) -> bool:
    """Whether a name is of the form that `container_name` gives."""
    return len(name) == NAME_LENGTH and set(name) <= set("0123456789abcdef")
