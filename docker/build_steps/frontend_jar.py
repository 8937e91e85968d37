"""Compile the guard that stands in front of multi-model-server's frontend into a jar.

    python frontend_jar.py MODEL_SERVER_JAR SOURCES JAR

Two builds by one JDK give the same bytes: the entries are sorted, uncompressed and have one time
stamp. It needs a JDK; who has none uses the jar that is kept beside the sources.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The frontend runs on each Java from this one on.
OLDEST_JAVA = "8"
STAMP = (1980, 1, 1, 0, 0, 0)
MANIFEST = "META-INF/MANIFEST.MF"


def main(model_server: Path, sources: Path, jar: Path) -> None:
    javac = shutil.which("javac")
    if javac is None:
        sys.exit("frontend_jar.py: there is no javac: apt-get install openjdk-17-jdk-headless")
    with tempfile.TemporaryDirectory() as scratch:
        classes = Path(scratch)
        compile_sources(javac, model_server, sources, classes)
        pack(classes, jar)


def compile_sources(javac: str, model_server: Path, sources: Path, classes: Path) -> None:
    subprocess.run(
        [
            *(javac, "--release", OLDEST_JAVA, "-encoding", "UTF-8", "-g:source,lines"),
            # The jar of the frontend brings annotation processors, which are not meant for us;
            # newer compilers say that they will not know the oldest Java for ever.
            *("-proc:none", "-Xlint:all,-options,-processing,-classfile,-path", "-Werror"),
            *("-cp", model_server, "-d", classes),
            *sorted(sources.rglob("*.java")),
        ],
        check=True,
    )


def pack(classes: Path, jar: Path) -> None:
    content = {MANIFEST: b"Manifest-Version: 1.0\r\n\r\n"}
    for file in sorted(classes.rglob("*.class")):
        content[file.relative_to(classes).as_posix()] = file.read_bytes()
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
