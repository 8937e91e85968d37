"""What `byo transform` reaches of its server's own throughput, and the memory that it takes.

    python -m benchmarks.batch_transform > benchmarks/batch-transform.md

The real `serve` answers tables of 20 columns. A plain client, which has all requests in memory and
throws the answers away, and `byo transform`, which reads, splits and writes, send the same requests
in turn, as many at once; what is told are medians of the rounds, and the ratio of each round's own.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import uvloop
from sklearn.linear_model import LogisticRegression

from byo.algorithm_folder import Algorithm
from byo.child_processes import with_packages
from byo.endpoint import local_endpoint
from byo.served_container import Connections
from byo.transform.line_records import line_blocks
from contract.machine import MEBIBYTE
from contract.paths import Paths

ROWS, COLUMNS = 1_000_000, 20
ROUNDS = 5
CONCURRENT = 2
SIZES_MB = (1, 6)
HEADERS = ((b"content-type", b"text/csv"), (b"accept", b"text/csv"))
OPTIONS = ("--split-type", "line", "--assemble-with", "line", "--accept", "text/csv")
SECONDS = 600.0


def write_rows(file: Path, rows: int) -> None:
    """A CSV file of numbers, without a header."""
    generator = np.random.default_rng(0)
    with file.open("w") as stream:
        for _ in range(0, rows, 50_000):
            np.savetxt(stream, generator.normal(size=(min(rows, 50_000), COLUMNS)), "%.4f", ",")


def save_model(folder: Path) -> None:
    generator = np.random.default_rng(1)
    X = generator.normal(size=(2000, COLUMNS))
    folder.mkdir()
    joblib.dump(LogisticRegression().fit(X, X[:, 0] + X[:, 1] > 0), folder / "model.joblib")


async def plain_client(url: str, payloads: list[bytes]) -> float:
    """Seconds that a client takes that does nothing but send and receive."""
    connections, left = Connections(url), iter(payloads)

    async def client() -> None:
        for payload in left:
            answer = await connections.request(
                "POST", "/invocations", HEADERS, payload, timeout=SECONDS
            )
            assert answer.status == 200, answer.body

    began = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CONCURRENT)))
    took = time.monotonic() - began
    await connections.close()
    return took


def transform(url: str, file: Path, megabytes: int, *more: str) -> tuple[float, int]:
    """Seconds of the job, as it tells them itself, and the most bytes of memory that it had."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-c", RUN, "transform", str(file), f"{folder}/out"]
        command += ["--url", url, *OPTIONS, "--max-payload", str(megabytes)]
        done = subprocess.run(
            [*command, "--max-concurrent", str(CONCURRENT), *more],
            env=with_packages(os.environ),
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        with (Path(folder) / "out" / f"{file.name}.out").open("rb") as output:
            lines = sum(chunk.count(b"\n") for chunk in iter(lambda: output.read(MEBIBYTE), b""))
    seconds = re.search(r"(\d+) records in ([\d.]+) s", done.stdout)
    assert seconds, done.stdout
    assert int(seconds[1]) == lines
    return float(seconds[2]), int(done.stderr.split()[-1]) * 1024


# The command in a process of its own, which tells its peak of memory at the end.
RUN = """
import sys
from byo.cli.main import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1], file=sys.stderr)
sys.exit(code)
"""


def speed(url: str, file: Path) -> Iterator[str]:
    yield "| requests of | plain client, rows/s | `byo transform`, rows/s | ratio | memory, MB |"
    yield "|---|---:|---:|---:|---:|"
    for megabytes in SIZES_MB:
        with file.open("rb") as stream:
            payloads = list(line_blocks(stream, megabytes * MEBIBYTE))
        uvloop.run(plain_client(url, payloads[:4]))
        ours, plain, memory = [], [], []
        for number in range(ROUNDS):
            print(f"{megabytes} MB, round {number + 1}", file=sys.stderr, flush=True)
            plain.append(uvloop.run(plain_client(url, payloads)))
            seconds, peak = transform(url, file, megabytes)
            ours.append(seconds)
            memory.append(peak)
        ratio = statistics.median(a / b for a, b in zip(plain, ours, strict=True))
        yield (
            f"| {megabytes} MB | {ROWS / statistics.median(plain):,.0f} "
            f"| {ROWS / statistics.median(ours):,.0f} | {ratio:.2f} "
            f"| {max(memory) / 1e6:.0f} |"
        )


def growth(url: str, folder: Path) -> Iterator[str]:
    yield "| rows | file, MB | joined with its input | peak memory, MB |"
    yield "|---:|---:|---|---:|"
    for rows in (100_000, ROWS // 2, ROWS):
        file = folder / f"rows-{rows}.csv"
        if not file.exists():
            write_rows(file, rows)
        for join in ((), ("--join", "input")):
            print(f"{rows} rows {join}", file=sys.stderr, flush=True)
            _, peak = transform(url, file, 1, *join)
            size = file.stat().st_size / 1e6
            yield f"| {rows:,} | {size:.0f} | {'yes' if join else 'no'} | {peak / 1e6:.0f} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = folder / f"rows-{ROWS}.csv"
        write_rows(rows, ROWS)
        save_model(folder / "model")
        (folder / "nothing").mkdir()
        algorithm = Algorithm(folder / "nothing")
        log = folder / "serve.log"
        with local_endpoint(Paths(folder), algorithm, os.environ, log=log) as endpoint:
            text = io.StringIO()
            for line in (*speed(endpoint.url, rows), "", *growth(endpoint.url, folder)):
                print(line, file=text, flush=True)
        print(text.getvalue(), end="")


if __name__ == "__main__":
    main()
