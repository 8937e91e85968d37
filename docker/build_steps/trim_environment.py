"""Take out of the image's environment what nobody needs at run time.

    python trim_environment.py /opt/venv

What is taken, and why, is the table TRIMMED. What is left gets one time stamp, so that neither
the file tree nor the class archive, which notes the time stamp of its jar, depends on when the
image was built.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PT_LOAD = 1  # of the ELF format, as are the offsets in is_aligned

# The reason, and patterns below site-packages. Licence texts and metadata always stay.
TRIMMED: list[tuple[str, tuple[str, ...]]] = [
    ("test suites (numpy.testing and its like are none, and stay)", (
        "**/tests", "joblib/test", "tornado/test", "gevent/testing",
    )),
    ("what only a compiler or a type checker reads, and there is neither", (
        "pyarrow/include", "pyarrow/includes", "pyarrow/src",
        "**/*.h", "**/*.hpp", "**/*.c", "**/*.cc", "**/*.cpp", "**/*.a",
        "**/*.pyx", "**/*.pxd", "**/*.pxi", "**/*.tp", "**/*.pyi",
    )),
    ("programs for Windows", ("**/*.exe",)),
    ("Arrow Flight, a protocol between databases, which nothing else here uses", (
        "pyarrow/*flight.so*", "pyarrow/libarrow_flight*", "pyarrow/_flight.*",
    )),
    ("AVIF pictures; Pillow is here because multi-model-server asks for it", (
        "PIL/_avif.*", "pillow.libs/libavif-*",
    )),
    ("extension modules that only those test suites load", (
        "numpy/_core/_simd.*", "pyarrow/_pyarrow_cpp_tests.*",
    )),
    ("pictures of Dask's dashboard, which needs bokeh", ("distributed/http/static/images",)),
]  # fmt: skip


def main(environment: Path) -> None:
    site = next(environment.glob("lib/python3*/site-packages"))
    before = size(environment)
    for reason, patterns in TRIMMED:
        report(reason, sum(remove(path) for path in matches(site, patterns)))
    report("one file under several names: the others become links", link_copies(site / "pyarrow"))
    report("symbols of shared libraries that only a linker or a debugger reads", strip(site))
    after = size(environment)
    report(f"in all, of {megabytes(before)} MB", before - after)
    stamp(environment)


def matches(site: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted(site.glob(pattern)):
            if ".dist-info" not in str(path):
                yield path


def remove(path: Path) -> int:
    """Bytes won; a folder inside one that is removed already counts nothing."""
    won = size(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return won


def size(path: Path) -> int:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def link_copies(folder: Path) -> int:
    """A wheel can't hold links, so it holds libx.so, libx.so.1 and libx.so.1.2, all alike."""
    won = 0
    for name in sorted(folder.glob("*.so")):
        versions = sorted(folder.glob(f"{name.name}.*"), key=lambda path: len(path.name))
        for copy in [name, *versions[1:]] if versions else []:
            if copy.read_bytes() == versions[0].read_bytes():
                won += remove(copy)
                copy.symlink_to(versions[0].name)
    return won


def strip(site: Path) -> int:
    """Strip what stays loadable: patchelf, which wheels are made with, at times forbids it."""
    won = 0
    for library in filter(is_elf, sorted(site.rglob("*.so*"))):
        stripped = library.with_name(f"{library.name}.stripped")
        subprocess.run(["/usr/bin/strip", "--strip-unneeded", "-o", stripped, library], check=True)
        if is_aligned(stripped.read_bytes()):
            won += size(library) - size(stripped)
            stripped.replace(library)
        else:
            stripped.unlink()
    return won


def is_aligned(elf: bytes) -> bool:
    """Whether each segment to load lies in the file as it will in memory, counted in pages."""
    (table,) = struct.unpack_from("<Q", elf, 32)
    entry_size, count = struct.unpack_from("<HH", elf, 54)
    for start in range(table, table + count * entry_size, entry_size):
        kind, _, offset, address, *_, alignment = struct.unpack_from("<IIQQQQQQ", elf, start)
        if kind == PT_LOAD and (offset - address) % alignment:
            return False
    return True


def is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def stamp(environment: Path) -> None:
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in [environment, *environment.rglob("*")]:
        os.utime(path, (moment, moment), follow_symlinks=False)


def report(what: str, won: int) -> None:
    print(f"{megabytes(won):>7} MB  {what}")  # noqa: T201


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
