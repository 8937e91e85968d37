"""What a model's files say of the memory that loading them takes, without loading them.

Only how they begin is read. What is sure is told apart from what is likely, as a model that would
fit must not be refused: arrays that a file holds as they are will be in memory, a packed file may
hold anything.
"""

from __future__ import annotations

import os
import re
import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ModelLoadError
from contract.machine import MEBIBYTE
from contract.settings import ServingSettings
from handler.invocation.model_artifact import find_artifact

HEAD_BYTES = 64 * 1024
SAMPLE_BYTES = 256 * 1024
# How a packed file begins, and what it is called here.
PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x5d\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x78", "zlib"),
)
# The first class that a pickle names is the model's own, by either way in which it may name it.
_CLASS = re.compile(rb"\x8c.([\w.]+)\x94?\x8c.([\w.]+)\x94?\x93|c([\w.]+)\n([\w.]+)\n", re.DOTALL)
# Bytes in memory for each byte of a pickle, at least. Before protocol 3 a byte was written as up to
# four; texts of other scripts than ours take less in memory than in a file.
OF_OLD, OF_TEXTS, OF_ARRAYS = 0.2, 0.6, 0.95
NEW_PROTOCOL = b"\x03"
# Trees copy what they are given, and a pickle keeps what it has given until it has ended.
COPIED = 1.9
COPYING = ("sklearn.ensemble._forest.", "sklearn.ensemble._gb.", "sklearn.tree.")
# What code names that loads a pickle, or a booster's own files, which hold text or numbers; and
# what it names if it may leave arrays on the disk.
_PICKLES = re.compile(rb"\b(joblib|pickle|cloudpickle|dill)\b")
_BOOSTERS = re.compile(rb"\b(xgboost|lightgbm|catboost)\b")
OF_BOOSTERS = {".ubj": 0.5, ".cbm": 0.5, ".bin": 0.5, ".json": 0.15, ".txt": 0.15}
MAPPING = b"mmap"
# Packages that take much: less than they do, as they grow with each version.
IMPORTS = {"sklearn": 30 * MEBIBYTE}
MOST_FILES = 1000


@dataclass(frozen=True)
class Payload:
    """What a model's files hold.

    Args:
        files: the folder, and what tells whether its files are the same as before.
        name: what they are called in a message.
        kind: of which others the loads tell something of this one's.
        size: bytes, unpacked, as far as that is known.
        surely: bytes that loading it takes, at least.
        likely: bytes that it probably takes, at least.
    """

    files: str
    name: str
    kind: str
    size: int
    surely: int = 0
    likely: int = 0


def payload_of(model_dir: Path) -> Payload:
    """What the artifact holds that the default ``model_fn`` loads.

    Raises:
        ModelLoadError: there is none.
        OSError: it can't be read.
    """
    artifact = find_artifact(model_dir)
    with artifact.open("rb") as stream:
        stat = os.fstat(stream.fileno())
        begin = stream.read(HEAD_BYTES)
        packing = next((name for magic, name in PACKED if begin.startswith(magic)), "")
    head, size = _unpacked(packing, begin, stat.st_size)
    model_class = _class_of(head)
    factor, imports = _factor(head, model_class), _imports(model_class)
    return Payload(
        f"{artifact} {stat.st_size} {stat.st_mtime_ns}",
        artifact.name,
        f"{packing} {model_class}",
        size,
        # A packed file holds no less than its own bytes, whatever is not known of it.
        int(factor * stat.st_size) + imports,
        int(factor * size) + imports,
    )


def single_model_size(settings: ServingSettings) -> int:
    """Bytes of the one model that is served, unpacked, as far as they are known."""
    if settings.multi_model:
        return 0
    try:
        return payload_of(settings.paths.model).size
    except (ModelLoadError, OSError):  # the user's own code may know what to load
        return 0


def payload_for_code(model_dir: Path, program: object) -> Payload:
    """What there is for a ``model_fn`` of the user's own, which may load any part of it.

    Nothing of that is sure: it may map a file in place of loading it.

    Args:
        model_dir: the model's folder.
        program: the file whose functions load it; what one model took tells something of another's.
    """
    sizes, newest = _files_of(model_dir)
    try:
        code = Path(str(program)).read_bytes()
    except OSError:
        code = b""
    total = sum(size for _, size in sizes)
    return Payload(
        f"{model_dir} {len(sizes)} {total} {newest}",
        "its folder",
        f"model_fn {zlib.crc32(code)}",
        total,
        likely=_likely_by_code(model_dir, sizes, code),
    )


def _likely_by_code(model_dir: Path, sizes: list[tuple[str, int]], code: bytes) -> int:
    """Bytes that loading probably takes, by what the code names that loads."""
    if MAPPING in code:
        return 0
    likely = 0
    if _PICKLES.search(code):
        with suppress(ModelLoadError, OSError):
            likely += payload_of(model_dir).surely
    if _BOOSTERS.search(code):
        likely += sum(int(size * OF_BOOSTERS.get(Path(name).suffix, 0)) for name, size in sizes)
    return likely


def _files_of(model_dir: Path) -> tuple[list[tuple[str, int]], int]:
    """The names and sizes of a folder's files, and when the last of them was changed."""
    found: list[tuple[str, int]] = []
    newest = 0
    for folder, _, names in os.walk(model_dir):
        for name in names[: MOST_FILES - len(found)]:
            with suppress(OSError):  # it has just gone
                stat = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118
                found.append((name, stat.st_size))
                newest = max(newest, stat.st_mtime_ns)
        if len(found) >= MOST_FILES:
            break
    return found, newest


def _unpacked(packing: str, begin: bytes, size: int) -> tuple[bytes, int]:
    """How the content begins, and its size, as a sample of it lets expect."""
    if not packing:
        return begin, size
    if packing not in ("gzip", "zlib"):
        return b"", size  # a sample would take longer than the load of a small model
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # of either kind
    try:
        head = stream.decompress(begin, SAMPLE_BYTES)
    except zlib.error:
        return b"", size
    taken = len(begin) - len(stream.unconsumed_tail)
    return head, max(size, size * len(head) // max(1, taken))


def _class_of(head: bytes) -> str:
    found = _CLASS.search(head)
    if found is None:
        return "unknown"
    module, name = found.group(1, 2) if found[1] else found.group(3, 4)
    return f"{module.decode('ascii', 'replace')}.{name.decode('ascii', 'replace')}"


def _imports(model_class: str) -> int:
    """Bytes that importing what the model is made of takes, at least, where that is still to do."""
    package = model_class.partition(".")[0]
    return 0 if package in sys.modules else IMPORTS.get(package, 0)


def _factor(head: bytes, model_class: str) -> float:
    """Bytes in memory for each of the content's, at least."""
    if head[:1] == b"\x80" and head[1:2] >= NEW_PROTOCOL:
        if model_class.startswith(COPYING):
            return COPIED
        return OF_ARRAYS if b"NumpyArrayWrapper" in head else OF_TEXTS
    return OF_OLD
