"""Dump the class archive: the JVM maps the frontend's classes instead of parsing them.

    python class_archive.py MODEL_SERVER_JAR /opt/java CLASSES

The archive is written where the JVM looks for it unasked, and is used as long as the jar and the
runtime have the paths and time stamps that they have now.

Two builds give the same archive, which takes some care. Which classes it holds is not found out
anew (`list_classes.py` did it). No heap is archived, nothing is compiled and no exception is
thrown meanwhile, since all three leave addresses behind. And one thread has to load all classes:
at the JVM's start a second one may come first with one of them, so both run on one CPU, where they
rarely overtake each other; if they did, it is done again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ATTEMPTS = 20
JVM = ("-XX:+UseSerialGC", "-Xint", "-Xms1g", "-Xmx1g", "-Xmn900m")
NOT_FOUND = re.compile(r"Cannot find (\S+)")
THREAD = re.compile(r"^\[(\d+)", re.MULTILINE)


def main(jar: Path, runtime: Path, classes: Path) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    names = classes.read_text(encoding="utf-8").splitlines()
    for _ in range(ATTEMPTS):
        missing, threads = dump(jar, runtime, names)
        names = [name for name in names if name not in missing]
        if not missing and threads == 1:
            return
    print("class_archive.py: another build may give another class archive")  # noqa: T201


def dump(jar: Path, runtime: Path, names: list[str]) -> tuple[set[str], int]:
    """Dump once; the classes that are not there, and how many threads loaded classes."""
    with tempfile.TemporaryDirectory() as scratch:
        listed, loaded = Path(scratch, "classes"), Path(scratch, "loaded")
        listed.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        done = subprocess.run(
            [
                runtime / "bin" / "java",
                *(*JVM, "-Xshare:dump", f"-XX:SharedClassListFile={listed}", "-cp", jar),
                *("-Xlog:cds=warning", f"-Xlog:class+load:file={loaded}:tid:filesize=0"),
            ],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        threads = set(THREAD.findall(loaded.read_text(encoding="utf-8")))
    return set(NOT_FOUND.findall(done.stdout)), len(threads)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
