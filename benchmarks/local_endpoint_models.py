"""Hundreds of models behind `byo endpoint`, by plain boto3, in less memory than they all need.

    python -m benchmarks.local_endpoint_models > benchmarks/local-endpoint-models.md

Clients ask for models by a Zipf distribution, as many tenants do. What the endpoint has loaded of
that is compared with a cache that always unloads the least recently used model, and has as many.
"""

from __future__ import annotations

import io
import os
import random
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import joblib
import numpy as np
from botocore.config import Config
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from byo.child_processes import child, family
from byo.endpoint import Client
from byo.served_container.used_memory import of_processes
from handler.serve.pick_free_port import free_port

MODELS, REQUESTS, CLIENTS = 300, 3000, 8
MEMORY = "1g"
NAME, BODY = "tenants", b"5.1,3.5,1.4,0.2\n"
CSV = {"ContentType": "text/csv", "Accept": "text/csv"}
SECONDS = 90.0
SAMPLE_SECONDS = 2.0
MEBIBYTE = 1024 * 1024
ALONE = 500
INTRODUCTION = f"""\
# Many models behind `byo endpoint`

`byo endpoint up --models DIR --memory {MEMORY}` with the real `serve` and {MODELS} models, each a
scaler and a linear regression that answers with its own number. {CLIENTS} threads with a boto3
client that does not retry send {REQUESTS:,} requests by a Zipf distribution: the model of rank n is
asked for 1/n as often as the first. Clients, endpoint and server share {os.cpu_count()} CPUs.
Written by `python -m benchmarks.local_endpoint_models`.
"""


@dataclass
class Watched:
    """What was seen of the server while it worked."""

    memory: list[int] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)


def make_models(folder: Path) -> list[str]:
    """So many archives, each of a pipeline that predicts its own number; their names."""
    rows = np.random.default_rng(0).normal(size=(50, 4))
    for number in range(MODELS):
        model = make_pipeline(StandardScaler(), LinearRegression())
        content = io.BytesIO()
        joblib.dump(model.fit(rows, np.full(50, float(number))), content)
        with tarfile.open(folder / f"{number}.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo("model.joblib")
            member.size = len(content.getvalue())
            archive.addfile(member, io.BytesIO(content.getvalue()))
    return [f"{number}.tar.gz" for number in range(MODELS)]


@contextmanager
def endpoint(models: Path) -> Iterator[tuple[str, int]]:
    """The URL of an endpoint of many models, and the process of its server."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "byo", "endpoint", "up", "--name", NAME]
    command += ["--models", str(models), "--memory", MEMORY, "--port", str(port)]
    with child(command, os.environ, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + SECONDS
        while not _ready(url):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.2)
        yield url, next(filter(_is_server, family(process.pid)))


def _ready(url: str) -> bool:
    """Whether a model that there is none of is looked for: the endpoint is in service."""
    try:
        client_of(url).invoke_endpoint(EndpointName=NAME, TargetModel="none", Body=b"")
    except Exception as error:
        return "Failed to download" in str(error)
    return False


def _is_server(pid: int) -> bool:
    return b"handler.serve.command" in Path(f"/proc/{pid}/cmdline").read_bytes()


def counted(url: str) -> dict[str, float]:
    """What the endpoint counts."""
    with Client(url) as client:
        text = client.request("GET", "/metrics").body.decode()
    found = re.findall(r"^(\w+)\{[^}]*\} ([\d.e+-]+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


@contextmanager
def watching(url: str, server: int) -> Iterator[Watched]:
    """Look at the server until the block ends."""
    seen, ended = Watched(), threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            seen.memory.append(of_processes(server) or 0)
            seen.loaded.append(int(counted(url)["LoadedModelCount"]))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def client_of(url: str) -> Any:
    """A client of the Runtime that asks once."""
    return boto3.client(
        "sagemaker-runtime",
        "us-east-1",
        endpoint_url=url,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=CLIENTS),
    )


def ask(client: Any, model: str) -> tuple[bool, float]:
    """Whether a model answered with its own number, and after how many seconds."""
    began = time.perf_counter()
    try:
        answer = client.invoke_endpoint(EndpointName=NAME, TargetModel=model, Body=BODY, **CSV)
        right = float(answer["Body"].read()) == float(model.partition(".")[0])
    except Exception as error:
        print(f"{model}: {error}", file=sys.stderr)
        right = False
    return right, time.perf_counter() - began


def ideal_hits(asked: Sequence[str], fitting: int) -> int:
    """How often a cache of so many has what is asked for, which drops the least recently used."""
    kept: OrderedDict[str, None] = OrderedDict()
    hits = 0
    for name in asked:
        hits += name in kept
        kept[name] = None
        kept.move_to_end(name)
        if len(kept) > fitting:
            kept.popitem(last=False)
    return hits


def report(
    asked: Sequence[str],
    outcomes: Sequence[tuple[bool, float]],
    alone: Sequence[tuple[bool, float]],
    counts: dict[str, float],
    seen: Watched,
    seconds: float,
    load: float,
) -> Iterator[str]:
    """The lines of the page."""
    took = sorted(each for _, each in outcomes)
    half = len(seen.loaded) // 2
    loaded = statistics.fmean(seen.loaded[half:])
    hit_rate = counts["ModelCacheHit_sum"] / counts["ModelCacheHit_count"]
    ideal = ideal_hits(asked, round(loaded)) / len(asked)
    yield INTRODUCTION
    yield "| what | |"
    yield "|---|---:|"
    yield f"| requests not answered with their model's own number | {_lost(outcomes)} |"
    yield f"| hit rate | {hit_rate:.3f} |"
    yield f"| that of an ideal cache of {loaded:.0f} models | {ideal:.3f} |"
    least, most = min(seen.loaded[half:]), max(seen.loaded[half:])
    yield f"| models loaded on average, at least, at most | {loaded:.0f}, {least}, {most} |"
    for what in ("Downloading", "Loading", "Unloading"):
        number, mean = counts[f"Model{what}Time_count"], _mean(counts, f"Model{what}Time")
        yield f"| {what.lower()} a model: how often, mean ms | {number:,.0f}, {mean:.0f} |"
    waited = _mean(counts, "ModelLoadingWaitTime")
    yield f"| wait for a model that is not loaded, mean, ms | {waited:.0f} |"
    yield f"| memory of the server, on average and at most, MB | {_memory(seen.memory[half:])} |"
    yield f"| all requests, p50 and p99, ms | {_at(took, 0.5):.1f}, {_at(took, 0.99):.0f} |"
    yield f"| a loaded model, one client, p50, ms | {_at(sorted(t for _, t in alone), 0.5):.2f} |"
    yield f"| requests a second | {len(outcomes) / seconds:.0f} |"
    yield f"| what else the machine was at work on before: its load | {load:.1f} |"


def _lost(outcomes: Sequence[tuple[bool, float]]) -> int:
    return sum(not right for right, _ in outcomes)


def _at(took: Sequence[float], share: float) -> float:
    return took[int(share * (len(took) - 1))] * 1e3


def _mean(counts: dict[str, float], name: str) -> float:
    return counts[f"{name}_sum"] / counts[f"{name}_count"] / 1e3


def _memory(values: Sequence[int]) -> str:
    return f"{statistics.fmean(values) / MEBIBYTE:.0f}, {max(values) / MEBIBYTE:.0f}"


def main() -> None:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)  # where `byo endpoint` keeps its files
        names = make_models(Path(place))
        weights = [1 / (rank + 1) for rank in range(MODELS)]
        asked = random.Random(1).choices(names, weights, k=REQUESTS)
        with endpoint(Path(place)) as (url, server):
            client = client_of(url)
            with watching(url, server) as seen, ThreadPoolExecutor(CLIENTS) as threads:
                began = time.perf_counter()
                outcomes = list(threads.map(lambda name: ask(client, name), asked))
                seconds = time.perf_counter() - began
            counts = counted(url)
            ask(client, names[0])
            alone = [ask(client, names[0]) for _ in range(ALONE)]
        print("\n".join(report(asked, outcomes, alone, counts, seen, seconds, load)))


if __name__ == "__main__":
    main()
