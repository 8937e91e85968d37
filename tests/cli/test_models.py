"""A multi-model server by hand, and tables through a client: real servers on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from byo import Endpoint, save_signature
from byo.algorithm_folder import Algorithm
from byo.command_errors import RequestFailed
from byo.content_types import CSV, JSON, JSON_LINES, PARQUET
from byo.endpoint import LocalEndpoint, local_endpoint
from byo.endpoint.table_payloads import decode, encode
from contract.paths import Paths
from handler import codecs
from handler.codecs.column_table import as_frame
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

FRAME = pd.DataFrame(
    {"length": [1.5, 2.5, 8.0, 9.5], "width": [1, 2, 8, 9]}, index=["a", "b", "c", "d"]
)
LABELS = np.array(["short", "short", "long", "long"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LogisticRegression:
    return LogisticRegression().fit(FRAME, LABELS)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, model: LogisticRegression
) -> Iterator[LocalEndpoint]:
    """A multi-model server, and a model directory beside it."""
    folder = tmp_path_factory.mktemp("server")
    paths = Paths(folder / "ml")
    paths.model.mkdir(parents=True)
    joblib.dump(model, paths.model / "model.joblib")
    save_signature(model, FRAME, LABELS, model_dir=paths.model)
    (folder / "plain").mkdir()
    log = folder / "serve.log"
    with local_endpoint(
        paths, Algorithm(folder / "plain"), dict(os.environ), log=log, multi_model=True
    ) as endpoint:
        yield endpoint


@pytest.fixture
def model_dir(server: LocalEndpoint) -> Path:
    return server.log.parent / "ml" / "model"


@pytest.fixture
def loaded(server: LocalEndpoint, model_dir: Path, run_byo: Run) -> Iterator[str]:
    """The name of a model while it is loaded."""
    done = run_byo("load", "penguins", model_dir, "--url", server.url)
    assert done.returncode == 0, done.stderr
    yield "penguins"
    run_byo("unload", "penguins", "--url", server.url)


def test_models_come_and_go(server: LocalEndpoint, model_dir: Path, run_byo: Run) -> None:
    """Load, list, ask and unload, each by one command."""
    url = ("--url", server.url)
    rows = model_dir.parent / "rows.csv"
    rows.write_text(FRAME.to_csv(index=False))

    load = run_byo("load", "one", model_dir, *url)
    models = run_byo("models", *url)
    answer = run_byo("invoke", rows, "--target-model", "one", "--accept", "text/csv", *url)
    unload = run_byo("unload", "one", *url)
    after = run_byo("models", *url)

    assert [each.returncode for each in (load, models, answer, unload, after)] == [0] * 5
    assert f"one    {model_dir}" in models.stdout
    assert answer.stdout.split() == list(LABELS)
    assert "one" not in after.stdout


def test_what_is_no_server_of_models_is_named(run_byo: Run) -> None:
    """Rather than taken for one that has none."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"[1,2]")

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_port}"
        done = run_byo("models", "--url", url)
        stranger.shutdown()

    assert done.returncode == 1
    assert done.stderr == f"byo models: what listens at {url} is no server of many models\n"


def test_a_server_of_one_model_says_that_it_is_one(
    server: LocalEndpoint, model_dir: Path, run_byo: Run, environ: dict[str, str], tmp_path: Path
) -> None:
    """Each of the commands says how to start another one."""
    folder = server.log.parent
    with local_endpoint(
        Paths(folder / "ml"), Algorithm(folder / "plain"), environ, log=tmp_path / "log"
    ) as single:
        url = ("--url", single.url)
        done = [
            run_byo(*words, *url)
            for words in (["models"], ["load", "one", model_dir], ["unload", "model"])
        ]

    assert [each.returncode for each in done] == [1, 1, 1]
    assert all("`byo serve --multi-model` starts one" in each.stderr for each in done)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["load", "penguins", "{model}"], "`byo unload penguins` first"),
        (["load", "other", "nowhere"], "nowhere is not a folder"),
        (["load", "other", "{model}/model.joblib"], "is a file: name the folder"),
        (["load", "other", "/nowhere/at/all"], "`byo models` lists what is loaded"),
        (["load", "empty", "{model}/.."], "the server's log says why empty can't be loaded"),
        (["unload", "stranger"], "`byo models` lists what is loaded"),
        (["invoke", "{model}/signature.json"], "name one with --target-model"),
    ],
)
def test_a_refusal_says_what_to_do(
    server: LocalEndpoint, loaded: str, model_dir: Path, run_byo: Run, command: list[str], said: str
) -> None:
    """One line with the server's reason and the way on."""
    words = [word.format(model=model_dir) for word in command]

    done = run_byo(*words, "--url", server.url)

    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "content_type", [None, "text/csv", "application/json", "application/jsonlines"]
)
def test_tables_in_tables_out(
    server: LocalEndpoint, loaded: str, model: LogisticRegression, content_type: str | None
) -> None:
    """A frame is answered with a frame that has its index, whatever it is sent as."""
    with Endpoint(server.url, target_model=loaded) as endpoint:
        answer = endpoint.predict(FRAME, content_type=content_type)

    assert list(answer.index) == list(FRAME.index)
    assert list(answer.iloc[:, 0]) == list(model.predict(FRAME))


EXACT = [0.1234567890123456, 1e-300, 2**53 - 1.0, -0.0, 1 / 3]


@pytest.mark.parametrize("content_type", [PARQUET, CSV, JSON, JSON_LINES])
@pytest.mark.parametrize("names", [["x", "y"], [0, 1]])
def test_floats_are_sent_to_the_last_digit(content_type: str, names: list[str | int]) -> None:
    """As the endpoint's own readers give them back, beside what is missing."""
    if content_type == PARQUET and names == [0, 1]:
        pytest.skip("Parquet has names")
    frame = pd.DataFrame({names[0]: EXACT, names[1]: [1.5, None, 2.5, None, 3.5]})
    stated = f"{content_type}; header={'present' if names[0] == 'x' else 'absent'}"

    body = encode(frame, content_type)
    read = as_frame(codecs.decode(body, stated if content_type == CSV else content_type, None).data)

    values = np.asarray(read, dtype=np.float64)
    assert values[:, 0].tolist() == EXACT
    assert np.isnan(values[:, 1]).tolist() == [False, True, False, True, False]


def test_labels_that_look_missing_are_labels() -> None:
    """In answers of CSV as in those of JSON."""
    assert decode(b"NA\nnull\n", CSV)["prediction"].tolist() == ["NA", "null"]
    assert decode(b'["NA", "null"]', JSON)["prediction"].tolist() == ["NA", "null"]
    assert decode(b"0.1234567890123456\n", CSV)["prediction"].tolist() == [EXACT[0]]


def test_arrays_and_parts(server: LocalEndpoint, loaded: str, model: LogisticRegression) -> None:
    """An array goes without names; what is too large for one invocation goes in several."""
    rows = np.linspace(0, 10, 2000).reshape(-1, 2)
    with Endpoint(server.url, target_model=loaded, max_payload=1000) as endpoint:
        answer = endpoint.predict(rows)

    expected = model.predict(pd.DataFrame(rows, columns=FRAME.columns))
    assert list(answer.iloc[:, 0]) == list(expected)


def test_a_refused_table_is_an_error(server: LocalEndpoint, loaded: str) -> None:
    """What the model can't take comes back as the server's own words."""
    wrong = FRAME.assign(width=["x", "y", "z", "w"])

    with (
        Endpoint(server.url, target_model=loaded) as endpoint,
        pytest.raises(RequestFailed, match="width"),
    ):
        endpoint.predict(wrong)


class Runtime(BaseHTTPRequestHandler):
    """Hands SageMaker Runtime's invocations on to a server of ours, as the platform would."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amzn-SageMaker-Target-Model")
        connection = HTTPConnection("127.0.0.1", self.server.behind)  # type: ignore[attr-defined]
        kept = {name: self.headers[name] for name in ("Content-Type", "Accept")}
        connection.request("POST", f"/models/{target}/invoke", body, kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_endpoint_in_sagemaker_by_its_name(
    server: LocalEndpoint,
    loaded: str,
    model: LogisticRegression,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same client, over boto3's own client of the runtime."""
    pytest.importorskip("boto3")
    with ThreadingHTTPServer(("127.0.0.1", 0), Runtime) as runtime:
        runtime.behind = int(server.url.rpartition(":")[2])  # type: ignore[attr-defined]
        thread = threading.Thread(target=runtime.serve_forever, args=(0.02,))
        thread.start()
        for name, value in {
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{runtime.server_port}",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }.items():
            monkeypatch.setenv(name, value)
        try:
            with Endpoint("penguins", target_model=loaded) as endpoint:
                answer = endpoint.predict(FRAME)
        finally:
            runtime.shutdown()
            thread.join()

    assert list(answer.iloc[:, 0]) == list(model.predict(FRAME))
