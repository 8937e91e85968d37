"""How large an image is and how fast it starts, beside one that is made by AWS's recipe.

Both train the same script and serve the same model in the same run; each round starts each of
them once, so that whatever else the machine does falls on all. Prints markdown.

    python -m benchmarks.image_figures byo > benchmarks/image.md
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.machine_report import describe
from byo.command_errors import EndpointFailed
from byo.containers.docker_engine import EngineFailed, docker, require_image
from byo.endpoint import Client
from byo.tree.job_tree import HOST, given_job

HERE = Path(__file__).parent
RECIPE = "byo-benchmark-recipe"
MACHINE = ("CPU", "memory", "system", "busy before the run")
MEGABYTE = 1e6
BUILD_SECONDS = 1800.0
START_SECONDS = 120.0
RETRY_SECONDS = 0.01
# Its first line notes the time; host and container have one clock.
SCRIPT = """\
import time; open("/opt/ml/output/started", "w").write(repr(time.time()))
import joblib, sklearn.datasets, sklearn.linear_model
X, y = sklearn.datasets.load_iris(return_X_y=True)
model = sklearn.linear_model.LogisticRegression(max_iter=1000).fit(X, y)
joblib.dump(model, "/opt/ml/model/model.joblib")
"""
ROW = b"5.1,3.5,1.4,0.2\n"


# What a container has used so far, in seconds: control groups of version 2, else of version 1.
CPU_SECONDS = """\
awk '$1 == "usage_usec" { print $2 / 1e6 }' /sys/fs/cgroup/cpu.stat 2>/dev/null ||
awk '{ print $1 / 1e9 }' /sys/fs/cgroup/cpuacct/cpuacct.usage
"""


@dataclass(frozen=True)
class Candidate:
    """An image, and how its containers are run.

    Args:
        title: what it is called in the table.
        image: its name.
        options: more options of `docker run`.
    """

    title: str
    image: str
    options: tuple[str, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", help="the image to measure")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    require_image(options.image)
    docker("build", "--tag", RECIPE, str(HERE / "recipe"), seconds=BUILD_SECONDS)
    no_archive = ("--env", "SAGEMAKER_MODEL_SERVER_VMARGS=-Xshare:off")
    candidates = (
        Candidate("the image", options.image),
        Candidate("without its class archive", options.image, no_archive),
        Candidate("AWS's recipe", RECIPE),
    )
    machine = describe()
    print("; ".join(f"{name}: {machine[name]}" for name in MACHINE) + ".")
    print(f"Medians of {options.rounds} rounds, the least and the greatest; × how many times as")
    print("much the image's is (the median of the rounds' ratios).\n")
    print_figures([size(candidates), *starts(candidates, options.rounds)], candidates)
    print_layers(options.image)


def size(candidates: Sequence[Candidate]) -> Figure:
    def measure(image: str) -> float:
        return int(docker("image", "inspect", image, "--format", "{{.Size}}")) / MEGABYTE

    values = {one.title: [measure(one.image)] for one in candidates if not one.options}
    return Figure("size", "unpacked size", "MB", values)


def starts(candidates: Sequence[Candidate], rounds: int) -> list[Figure]:
    """The start of a training job and of a server, once in each round."""
    training, serving, busy = (defaultdict[str, list[float]](list) for _ in range(3))
    for _ in range(rounds):
        for one in candidates:
            with job() as base:
                training[one.title].append(train(one, base))
                seconds, cpu_seconds = serve(one, base)
                serving[one.title].append(seconds)
                busy[one.title].append(cpu_seconds)
    return [
        Figure("train", "`train`, to the script's first line", "s", training),
        Figure("serve", "`serve`, to the first answered invocation", "s", serving),
        Figure("cpu", "the same, CPU time", "s", busy),
    ]


@contextmanager
def job() -> Iterator[Path]:
    """The tree of a job whose script is submitted, as the SageMaker SDK submits it."""
    with tempfile.TemporaryDirectory(prefix="byo-bench-") as name:
        base, source = Path(name, "ml"), Path(name, "code")
        archive = base / "input" / "data" / "code" / "sourcedir"
        source.mkdir()
        (source / "train.py").write_text(SCRIPT, encoding="utf-8")
        shutil.make_archive(str(archive), "gztar", source, "train.py")
        submitted = {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        }
        given_job(base, submitted)
        yield base


def train(one: Candidate, base: Path) -> float:
    """Seconds from `docker run` to the script's first line; the job runs to its end."""
    begin = time.time()
    with container(one, "train", "--hostname", HOST, *mount(base, "/opt/ml")) as name:
        code = docker("wait", name, seconds=START_SECONDS).strip()
        if code != "0":
            sys.exit(f"{one.title}: train ended with {code}: {docker('logs', name)[-2000:]}")
    return float((base / "output" / "started").read_text()) - begin


def serve(one: Candidate, base: Path) -> tuple[float, float]:
    """From `docker run` to the first invocation that is answered: seconds, and seconds of CPU."""
    begin = time.time()
    options = ("--publish", "127.0.0.1::8080", *mount(base / "model", "/opt/ml/model"))
    with container(one, "serve", *options) as name:
        port = docker("port", name, "8080").splitlines()[0].rpartition(":")[2]
        while time.time() < begin + START_SECONDS:
            with suppress(EndpointFailed), Client(f"http://127.0.0.1:{port}") as client:
                if client.invoke(ROW, "text/csv", "application/json").ok:
                    seconds = time.time() - begin
                    return seconds, float(docker("exec", name, "sh", "-c", CPU_SECONDS))
            time.sleep(RETRY_SECONDS)
        sys.exit(f"{one.title}: no answer in {START_SECONDS:g} s: {docker('logs', name)[-2000:]}")


@contextmanager
def container(one: Candidate, command: str, *options: str) -> Iterator[str]:
    name = f"byo-bench-{uuid.uuid4().hex[:12]}"
    try:
        docker("run", "--detach", "--name", name, *one.options, *options, one.image, command)
        yield name
    finally:
        with suppress(EngineFailed):  # it never came to be
            docker("rm", "--force", "--volumes", name)


def mount(source: Path, target: str) -> tuple[str, str]:
    return "--mount", f"type=bind,source={source},target={target}"


def print_figures(figures: Sequence[Figure], candidates: Sequence[Candidate]) -> None:
    titles = [one.title for one in candidates]
    print(f"| | {' | '.join(titles)} |\n|---|{'---:|' * len(titles)}")
    for figure in figures:
        cells = (cell(figure, title, titles[0]) for title in titles)
        print(f"| {figure.title} | {' | '.join(cells)} |")


def cell(figure: Figure, title: str, first: str) -> str:
    """The median, the least and the greatest, and the first one's as a multiple of this."""
    value = figure.spread(title)
    if value is None:
        return ""
    several = value.low != value.high
    median = f"{value.median:.2f}" if several else f"{value.median:.0f}"
    span = f" ({value.low:.2f}–{value.high:.2f})" if several else ""
    ratio = figure.ratio(first, title) if title != first else None
    return f"{median} {figure.unit}{span}" + (f", {ratio.median:.2f} ×" if ratio else "")


def print_layers(image: str) -> None:
    print("\n| layer | size |\n|---|---:|")
    history = docker("history", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image)
    for line in reversed(history.splitlines()):
        count, _, step = line.partition("\t")
        if int(count) >= MEGABYTE / 10:
            print(f"| {layer(step)} | {int(count) / MEGABYTE:.1f} MB |")


def layer(step: str) -> str:
    text = step.removesuffix("# buildkit").strip() or "the base image's first"
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    main()
