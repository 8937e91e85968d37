"""Make the Java runtime of the image: no more than multi-model-server's frontend uses.

    python link_java_runtime.py MODEL_SERVER_JAR /opt/java

Netty's native library is put beside the runtime's own: there it can be loaded also where nothing
may be executed from the temporary folder, into which Netty would unpack it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

# What jdeps names for the jar, less java.compiler, java.rmi and jdk.sctp, which are for other
# uses of the libraries in it.
MODULES = (
    "java.base",
    "java.desktop",  # java.beans: log4j implements one of its interfaces
    "java.management",
    "java.naming",
    "java.scripting",
    "java.sql",
    "java.xml",
    "jdk.crypto.ec",  # TLS, should a model be fetched from an https address
    "jdk.unsupported",  # sun.misc.Unsafe
)
PACKAGE = "openjdk-17-jdk-headless"
NETTY_LIBRARY = "META-INF/native/libnetty_transport_native_epoll_{}.so"
NETTY_MACHINES = {"x86_64": "x86_64", "aarch64": "aarch_64"}


def main(jar: Path, runtime: Path) -> None:
    link(runtime)
    add_netty_library(jar, runtime)
    run("/usr/bin/strip", "--strip-unneeded", *sorted(runtime.rglob("*.so")))
    note_source(runtime)
    stamp(runtime)


def link(runtime: Path) -> None:
    run(
        "/usr/bin/jlink",
        *("--add-modules", ",".join(MODULES), "--output", runtime),
        *("--strip-debug", "--no-header-files", "--no-man-pages", "--compress=2"),
        "--exclude-files=/java.desktop/lib/**",  # pictures, fonts and windows
    )


def add_netty_library(jar: Path, runtime: Path) -> None:
    name = NETTY_LIBRARY.format(NETTY_MACHINES[platform.machine()])
    with zipfile.ZipFile(jar) as archive:
        (runtime / "lib" / Path(name).name).write_bytes(archive.read(name))


def note_source(runtime: Path) -> None:
    """Name the Debian package in the runtime's own description, for a bill of materials."""
    query = ("/usr/bin/dpkg-query", "--show", "--showformat=${Package} ${Version} ${Architecture}")
    package = subprocess.run([*query, PACKAGE], check=True, stdout=subprocess.PIPE, text=True)
    with (runtime / "release").open("a", encoding="utf-8") as release:
        release.write(f'DEBIAN_PACKAGE="{package.stdout}"\n')


def stamp(runtime: Path) -> None:
    """One time stamp for all files: the class archive notes that of the runtime's modules."""
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in runtime.rglob("*"):
        os.utime(path, (moment, moment), follow_symlinks=False)


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
