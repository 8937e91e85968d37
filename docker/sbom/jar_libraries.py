"""The libraries inside multi-model-server's jar, whose own metadata was left out of it.

What tells their versions: Netty's properties, the descriptors of Java modules, and what log4j's
list of dependencies says of its siblings. Of some libraries nothing in the jar tells the version;
they are listed without one.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

NETTY = re.compile(r"^(netty-[\w-]+)\.version=(\S+)", re.MULTILINE)
LOG4J = re.compile(r"org\.apache\.logging\.log4j:(log4j-core):jar:([\d.]+)")
# In a class file, a text of less than 16 characters that looks like a version.
VERSION = re.compile(rb"\x01\x00[\x03-\x0f](\d+\.\d+(?:\.\d+)*)")
MODULES = {
    "module-info.class": ("com.google.code.gson", "gson"),
    "META-INF/versions/9/module-info.class": ("org.apache.logging.log4j", "log4j-api"),
}
UNTOLD = {
    "com/lmax/disruptor/": ("com.lmax", "disruptor"),
    "org/apache/commons/cli/": ("commons-cli", "commons-cli"),
    "org/apache/commons/io/": ("commons-io", "commons-io"),
    "org/slf4j/": ("org.slf4j", "slf4j-api"),
    "org/slf4j/impl/": ("org.apache.logging.log4j", "log4j-slf4j-impl"),
    "software/amazon/ai/mms/servingsdk/": ("software.amazon.ai", "mms-server-sdk"),
}

Library = tuple[str, str, str | None]


def libraries(jar: Path) -> list[Library]:
    """Group, artifact and version of each library, the version None where the jar does not tell."""
    with zipfile.ZipFile(jar) as archive:
        # Several files may share a name: the jar was made of many.
        found = set(told(archive))
        names = archive.namelist()
    for folder, (group, artifact) in UNTOLD.items():
        if any(name.startswith(folder) for name in names):
            found.add((group, artifact, None))
    return sorted(found, key=str)


def told(archive: zipfile.ZipFile) -> Iterator[Library]:
    for entry in archive.infolist():
        if entry.filename == "META-INF/io.netty.versions.properties":
            for artifact, version in NETTY.findall(archive.read(entry).decode()):
                yield "io.netty", artifact, version
        elif entry.filename == "META-INF/DEPENDENCIES":
            for artifact, version in LOG4J.findall(archive.read(entry).decode()):
                yield "org.apache.logging.log4j", artifact, version
        elif entry.filename in MODULES:
            version = VERSION.search(archive.read(entry))
            yield (*MODULES[entry.filename], version[1].decode() if version else None)
