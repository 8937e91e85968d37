"""How large an image is and how fast it starts, beside one that is made by AWS's recipe.

Both train the same script and serve the same model in the same run: each round starts either
image once, so that whatever else the machine does falls on both. Prints markdown.

    python -m benchmarks.image byo > benchmarks/image.md
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.machine import describe
from byo.endpoint import Client
from byo.errors import EndpointFailed
from byo.image.engine import EngineFailed, docker, require_image
from byo.job import HOST, given_job

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", help="the image to measure")
    parser.add_argument("--recipe", metavar="IMAGE", help="measure against this image instead")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    require_image(options.image)
    images = (options.image, options.recipe or build_recipe())
    print(f"`{options.image}` beside an image of the same toolkits by AWS's recipe")
    print("([recipe/](recipe/Dockerfile)); medians of", options.rounds, "rounds.\n")
    print_machine()
    print_figures([size(images), *starts(images, options.rounds)], images)
    print_layers(options.image)


def build_recipe() -> str:
    docker("build", "--tag", RECIPE, str(HERE / "recipe"), seconds=BUILD_SECONDS)
    return RECIPE


def size(images: tuple[str, ...]) -> Figure:
    def measure(image: str) -> float:
        return int(docker("image", "inspect", image, "--format", "{{.Size}}")) / MEGABYTE

    return Figure("size", "unpacked size", "MB", {image: [measure(image)] for image in images})


def starts(images: tuple[str, ...], rounds: int) -> Iterator[Figure]:
    """The start of a training job and of a server, once in each round."""
    training: dict[str, list[float]] = {image: [] for image in images}
    serving: dict[str, list[float]] = {image: [] for image in images}
    for _ in range(rounds):
        for image in images:
            with job() as base:
                training[image].append(train(image, base))
                serving[image].append(serve(image, base))
    yield Figure("train", "`train`, to the script's first line", "s", training)
    yield Figure("serve", "`serve`, to the first answered invocation", "s", serving)


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


def train(image: str, base: Path) -> float:
    """Seconds from `docker run` to the script's first line; the job runs to its end."""
    begin = time.time()
    with container(image, "train", "--hostname", HOST, *mount(base, "/opt/ml")) as name:
        code = docker("wait", name, seconds=START_SECONDS).strip()
        if code != "0":
            sys.exit(f"{image}: train ended with {code}: {docker('logs', name)[-2000:]}")
    return float((base / "output" / "started").read_text()) - begin


def serve(image: str, base: Path) -> float:
    """Seconds from `docker run` to the first invocation that is answered as it should be."""
    begin = time.time()
    options = ("--publish", "127.0.0.1::8080", *mount(base / "model", "/opt/ml/model"))
    with container(image, "serve", *options) as name:
        port = docker("port", name, "8080").splitlines()[0].rpartition(":")[2]
        while time.time() < begin + START_SECONDS:
            with suppress(EndpointFailed), Client(f"http://127.0.0.1:{port}") as client:
                if client.invoke(ROW, "text/csv", "application/json").ok:
                    return time.time() - begin
            time.sleep(RETRY_SECONDS)
        sys.exit(f"{image}: no answer within {START_SECONDS:g} s: {docker('logs', name)[-2000:]}")


@contextmanager
def container(image: str, command: str, *options: str) -> Iterator[str]:
    name = f"byo-bench-{uuid.uuid4().hex[:12]}"
    try:
        docker("run", "--detach", "--name", name, *options, image, command)
        yield name
    finally:
        with suppress(EngineFailed):  # it never came to be
            docker("rm", "--force", "--volumes", name)


def mount(source: Path, target: str) -> tuple[str, str]:
    return "--mount", f"type=bind,source={source},target={target}"


def print_machine() -> None:
    machine = describe()
    print("; ".join(f"{name}: {machine[name]}" for name in MACHINE) + ".\n")


def print_figures(figures: list[Figure], images: tuple[str, ...]) -> None:
    ours, other = images
    print(f"| | `{ours}` | AWS's recipe | ratio |\n|---|---:|---:|---:|")
    for figure in figures:
        ratio = figure.ratio(ours, other)
        cells = (cell(figure, ours), cell(figure, other), f"{ratio.median:.2f}" if ratio else "")
        print(f"| {figure.title} | {' | '.join(cells)} |")


def cell(figure: Figure, image: str) -> str:
    """The median, and where there are several values the least and the greatest."""
    value = figure.spread(image)
    if value is None:
        return ""
    if value.low == value.high:
        return f"{value.median:.0f} {figure.unit}"
    return f"{value.median:.2f} {figure.unit} ({value.low:.2f}–{value.high:.2f})"


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
