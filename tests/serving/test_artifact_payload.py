"""What a model's files say of the memory that loading takes: no more is sure than that."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from contract.errors import ModelLoadError
from contract.paths import Paths
from contract.settings import ServingSettings
from handler.invocation.artifact_payload import payload_for_code, payload_of, single_model_size

MEBIBYTE = 1024 * 1024
# Loads each folder's artifact in a process of its own, and prints what that had at most.
MEASURE = """
import json, os, sys
import joblib, numpy, sklearn.ensemble
from handler.processes.process_memory import resident
def measure(path):
    reading, writing = os.pipe()
    if not os.fork():
        before = resident()
        joblib.load(path)
        now = resident()
        os.write(writing, b"%d" % (now.peak - now.files - before.anonymous))
        os._exit(0)
    os.wait()
    return int(os.read(reading, 100))
print(json.dumps([measure(path) for path in sys.argv[1:]]))
"""


def arrays() -> Any:
    return {"a": np.random.default_rng(0).random(MEBIBYTE // 2), "b": np.ones(MEBIBYTE // 8)}


def forest() -> Any:
    rng = np.random.default_rng(0)
    X = rng.random((2000, 4))
    return RandomForestRegressor(20).fit(X, rng.random(2000))


def dumped(**options: Any) -> Callable[[Any, Path], None]:
    return lambda value, file: joblib.dump(value, file, **options)


def pickled(protocol: int) -> Callable[[Any, Path], None]:
    return lambda value, file: file.write_bytes(pickle.dumps(value, protocol))


# What is saved, how, and how much of the file's size is sure to be needed, at least.
SAVED: dict[str, tuple[Callable[[], Any], Callable[[Any, Path], Any], float]] = {
    "arrays": (arrays, dumped(), 0.9),
    "arrays, compressed": (arrays, dumped(compress=3), 0.5),
    "arrays, by gzip": (arrays, dumped(compress=("gzip", 3)), 0.5),
    "arrays, by bzip2": (arrays, dumped(compress=("bz2", 3)), 0),
    "zeros, compressed": (lambda: np.zeros(4 * MEBIBYTE), dumped(compress=3), 0.5),
    "arrays, pickled": (arrays, pickled(5), 0.5),
    "arrays, pickled long ago": (arrays, pickled(2), 0.1),
    "arrays, pickled as text": (arrays, pickled(0), 0.1),
    "numbers, pickled as text": (lambda: list(range(100_000)), pickled(0), 0.1),
    "words": (lambda: [f"word{n}" for n in range(100_000)], dumped(), 0.5),
    "a text of another script": (lambda: ["\u4e16" * (2 * MEBIBYTE)], dumped(), 0.5),
    "small numbers": (lambda: [n % 100 for n in range(300_000)], dumped(), 0.5),
    "one object again and again": (lambda: ["once"] * 300_000, dumped(), 0.5),
    "a forest": (forest, dumped(), 1.5),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, int]]:
    """The folder of each, and the memory that loading it took."""
    folders = {}
    for name, (make, save, _) in SAVED.items():
        folder = tmp_path_factory.mktemp("model")
        save(make(), folder / "model.joblib")
        folders[name] = folder
    files = [str(folder / "model.joblib") for folder in folders.values()]
    done = subprocess.run(
        [sys.executable, "-P", "-c", MEASURE, *files],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    taken = json.loads(done.stdout)
    return {name: (folders[name], taken[at]) for at, name in enumerate(folders)}


@pytest.mark.parametrize("name", SAVED)
def test_no_more_is_sure_than_a_load_takes(saved: dict[str, tuple[Path, int]], name: str) -> None:
    """What would fit must not be refused; yet of what is in a file something can be said."""
    folder, taken = saved[name]

    payload = payload_of(folder)

    assert payload.surely <= taken
    assert payload.surely >= SAVED[name][2] * (folder / "model.joblib").stat().st_size
    assert payload.surely <= payload.likely


def test_what_a_compressed_file_unpacks_to_is_found_by_a_sample(
    saved: dict[str, tuple[Path, int]],
) -> None:
    """Zeros of 32 MB are a file of some KB, and likely to need 32 MB."""
    folder, _ = saved["zeros, compressed"]

    assert payload_of(folder).likely > 16 * MEBIBYTE
    assert single_model_size(ServingSettings(paths=Paths(folder))) == 0  # its model is elsewhere


def test_nothing_is_read_to_its_end(tmp_path: Path) -> None:
    """A file of a terabyte is weighed as one of a kilobyte is."""
    file = tmp_path / "model.joblib"
    joblib.dump(np.ones(8), file)
    with file.open("r+b") as stream:
        stream.truncate(1 << 40)
    begun = time.process_time()

    payload = payload_of(tmp_path)

    assert time.process_time() - begun < 1.0
    assert payload.surely > 1 << 39


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"\x78", b"\x1f\x8b\x08", b"<html>", b"\x80\x04"]
)
def test_what_is_no_artifact_needs_nothing_much(tmp_path: Path, content: bytes) -> None:
    """Whatever it is, its load says what is wrong with it, and not the weighing."""
    (tmp_path / "model.pkl").write_bytes(content)

    assert payload_of(tmp_path).likely <= len(content)


def test_without_an_artifact_the_load_says_so(tmp_path: Path) -> None:
    """With the words of the load itself."""
    with pytest.raises(ModelLoadError, match="holds no artifact"):
        payload_of(tmp_path)


def test_code_of_ones_own_loads_what_it_will(tmp_path: Path) -> None:
    """Nothing is sure, nor likely; models with the same code are of one kind."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.npy").write_bytes(b"x" * 1000)
        (tmp_path / name / "inference.py").write_text("def model_fn(path): ...")
    folders = [tmp_path / "one", tmp_path / "other"]

    found = [payload_for_code(folder, folder / "inference.py") for folder in folders]

    assert [(one.size, one.surely, one.likely) for one in found] == [(1023, 0, 0)] * 2
    assert found[0].kind == found[1].kind
    assert found[0].files != found[1].files


@pytest.mark.parametrize(
    ("code", "files", "likely"),
    [
        ("import joblib", {"model.joblib": 100_000}, True),
        ("import joblib\njoblib.load(path, mmap_mode='r')", {"model.joblib": 100_000}, False),
        ("import xgboost", {"model.ubj": 100_000}, True),
        ("import lightgbm as lgb", {"model.txt": 100_000}, True),
        ("import xgboost", {"weights.npy": 100_000}, False),
        ("import pickle", {}, False),
    ],
)
def test_what_code_loads_shows_in_what_it_names(
    tmp_path: Path, code: str, files: dict[str, int], likely: bool
) -> None:
    """An artifact that it unpickles, a booster's files; not what it may map."""
    (tmp_path / "inference.py").write_text(code)
    for name, size in files.items():
        joblib.dump(np.ones(size // 8), tmp_path / name)

    payload = payload_for_code(tmp_path, tmp_path / "inference.py")

    assert payload.surely == 0
    assert (payload.likely > 10_000) is likely
    assert payload.likely < 110_000
