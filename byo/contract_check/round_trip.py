"""What an algorithm folder does: train on its sample, serve the model, ask it for predictions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from byo.algorithm_folder import Algorithm
from byo.command_errors import RunFailed
from byo.content_types import CSV, JSON, csv_records, read_predictions
from byo.contract_check.findings import Finding, error, ok, warning
from byo.contract_check.metrics_check import check_metrics
from byo.contract_check.working import Working, silently
from byo.endpoint import Client, Response, local_endpoint
from byo.local_training import run_training
from byo.tree.channels import Channel
from byo.tree.job_tree import sample_job
from contract.errors import SignatureError
from contract.paths import Paths
from contract.requirements.pip_run import conflicts_told
from contract.requirements.requirement_lines import FILE_NAME
from contract.signature import FILE_NAME as SIGNATURE
from contract.signature import Signature, load_signature


def check_round_trip(
    algorithm: Algorithm,
    environ: Mapping[str, str],
    scratch: Path,
    timeout: float,
    working: Working = silently,
    channels: Sequence[Channel] = (),
) -> Iterator[Finding]:
    """Train, serve and invoke, each step only if the one before went well.

    Args:
        algorithm: the folder, with a sample unless there are channels.
        environ: the caller's environment.
        scratch: an empty folder for the job's tree and the logs.
        timeout: seconds that training may take, and the server until it is ready.
        working: shows what goes on, for each part that takes long.
        channels: data to train on in place of the sample's.

    Raises:
        MissingPrerequisite: the machine lacks what training or serving needs.
    """
    paths = sample_job(scratch / "ml", algorithm, channels=channels)
    data = ", ".join(channel.name for channel in channels) or "sample/"
    try:
        log = scratch / "train.log"
        with working(f"training on {data}", log):
            trained = _train(paths, algorithm, environ, log, timeout, data)
        yield trained
        for line in conflicts_told((scratch / "train.log").read_text("utf-8", "replace")):
            yield warning(f"as a job installs it: {line}", FILE_NAME)
        if not any(paths.model.iterdir()):
            yield error("training left nothing in the model directory (SM_MODEL_DIR)", "train.py")
            return
        signature = load_signature(paths.model)
        yield _describe(signature)
        yield from check_metrics(paths, signature, log)
        with ExitStack() as running:
            start = time.monotonic()
            log = scratch / "serve.log"
            with working("starting the server and loading the model", log):
                endpoint = running.enter_context(
                    local_endpoint(paths, algorithm, environ, log=log, startup_timeout=timeout)
                )
            yield ok(f"serves the model, ready in {time.monotonic() - start:.1f} s")
            client = running.enter_context(endpoint.client())
            yield from _ask(client, algorithm, signature, working)
    except (RunFailed, SignatureError) as failure:
        yield error(str(failure))


def _train(
    paths: Paths,
    algorithm: Algorithm,
    environ: Mapping[str, str],
    log: Path,
    timeout: float,
    data: str,
) -> Finding:
    start = time.monotonic()
    run_training(paths, algorithm, environ, log=log, timeout=timeout)
    return ok(f"trains on {data} in {time.monotonic() - start:.1f} s")


def _describe(signature: Signature | None) -> Finding:
    if signature is None:
        return warning(
            f"training wrote no {SIGNATURE}: requests can't be checked; "
            "call byo.save_signature(model, X, y)"
        )
    return ok(f"{SIGNATURE} describes {len(signature.inputs)} columns")


def _ask(
    client: Client, algorithm: Algorithm, signature: Signature | None, working: Working
) -> Iterator[Finding]:
    yield _ping(client)
    if algorithm.payload.is_file():
        body = algorithm.payload.read_bytes()
        with working("asking for predictions"):
            answer = client.invoke(body, CSV, accept=JSON)
        yield _judge("sample/payload.csv", answer, count_rows(body, signature))
    if signature is not None and signature.example:
        with working("asking for a prediction"):
            answer = client.invoke(example_body(signature), JSON, accept=JSON)
        yield _judge(f"the example row of {SIGNATURE}", answer, 1)


def _ping(client: Client) -> Finding:
    answer = client.ping()
    return ok("GET /ping answers 200") if answer.ok else error(f"GET /ping: {answer.failure()}")


def _judge(what: str, answer: Response, rows: int) -> Finding:
    """Whether an answer has a prediction for each row, where its form tells."""
    if not answer.ok:
        return error(f"{what}: {answer.failure()}")
    answered = read_predictions(answer.body, answer.content_type)
    if answered is None:
        return ok(f"{what}: {_count(rows, 'row')} answered with {answer.content_type}")
    predictions = len(answered)
    # An output_fn may write a header line before its predictions.
    headed = answer.content_type.startswith(CSV) and predictions == rows + 1
    judged = ok if predictions == rows or headed else error
    return judged(f"{what}: {_count(rows, 'row')}, {_count(predictions, 'prediction')}")


def count_rows(body: bytes, signature: Signature | None) -> int:
    """The rows of a CSV payload, its header line not counted.

    The first record is a header if it holds names that the signature knows; without a
    signature, if no field of it is a number.
    """
    records = csv_records(body)
    if not records:
        return 0
    first = [field.strip() for field in records[0]]
    if signature is not None and signature.names:
        header = set(first) <= {*signature.names, *(str(c.name) for c in signature.outputs)}
    else:
        header = not any(_is_number(field) for field in first)
    return len(records) - header


def example_body(signature: Signature) -> bytes:
    """The signature's example row as JSON: an object by name, or a list by position."""
    if signature.names:
        row: object = dict(zip(signature.names, signature.example, strict=True))
    else:
        row = list(signature.example)
    return json.dumps([row]).encode()


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
