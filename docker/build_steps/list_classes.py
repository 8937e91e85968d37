"""List the Java classes that serving loads, for the class archive. Runs in the image:

    docker run --rm --volume "$PWD/docker/build_steps/list_classes.py:/list_classes.py:ro" byo \
        python /list_classes.py > docker/build_steps/classes.txt

It serves a model once alone and once among many, and prints what the frontend's JVM loaded. Run
it after a change of multi-model-server or of Java's version; an older list does no harm, but the
start gets slower.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
from sklearn.dummy import DummyClassifier

PORT = 8080
DEADLINE = 60.0
BODIES = {"text/csv": b"1,2\n", "application/json": b"[[1, 2]]", "text/plain": b"unknown"}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        model = Path(name, "model")
        model.mkdir()
        joblib.dump(DummyClassifier().fit([[1, 2], [2, 1]], [0, 1]), model / "model.joblib")
        classes = use_one(Path(name)) | use_many(Path(name))
    # Proxies are made at run time; there is no file that they could be archived from.
    print("\n".join(sorted(line for line in classes if "$Proxy" not in line)))  # noqa: T201


def use_one(base: Path) -> set[str]:
    with serving(base, base / "one") as noted:
        invoke("/invocations")
    return set(noted.read_text(encoding="utf-8").splitlines())


def use_many(base: Path) -> set[str]:
    with serving(base, base / "many", SAGEMAKER_MULTI_MODEL="true") as noted:
        ask("POST", "/models", json.dumps({"model_name": "m", "url": str(base / "model")}))
        invoke("/models/m/invoke")
        for method, path in (("GET", "/models"), ("GET", "/models/m"), ("DELETE", "/models/m")):
            ask(method, path)
    return set(noted.read_text(encoding="utf-8").splitlines())


@contextmanager
def serving(base: Path, noted: Path, **settings: str) -> Iterator[Path]:
    """A server that answers pings; the file it notes classes in is complete after the block."""
    variables = {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_MODEL_SERVER_VMARGS": f"-XX:DumpLoadedClassList={noted}",
        **settings,
    }
    with subprocess.Popen(["serve"], env=os.environ | variables, stdout=2) as server:  # noqa: S607
        try:
            deadline = time.monotonic() + DEADLINE
            while not answers() and time.monotonic() < deadline:
                time.sleep(0.1)
            yield noted
        finally:
            server.terminate()


def answers() -> bool:
    try:
        return ask("GET", "/ping") == 200
    except OSError:
        return False


def invoke(path: str) -> None:
    for content_type, body in BODIES.items():
        ask("POST", path, body, {"Content-Type": content_type})


def ask(
    method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=DEADLINE)
    try:
        connection.request(method, path, body, headers or {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    main()
