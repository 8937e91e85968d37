"""``byo demo``: from data to predictions on this machine, in one command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byo.algorithm_folder import Algorithm, find_algorithm
from byo.cli.errors_to_exit_codes import say
from byo.cli.options import add_algorithm
from byo.cli.progress_and_colour import say_table, working
from byo.cli.temporary_folder import scratch
from byo.command_errors import JobFailed, RequestFailed
from byo.endpoint import local_endpoint
from byo.local_training import run_training
from byo.prerequisites import require_module, require_serving, train_executable
from byo.tree.job_tree import sample_job
from contract.inference_output import PREDICTED_LABEL
from contract.inference_output import VARIABLE as INFERENCE_OUTPUT_VARIABLE
from contract.paths import Paths
from contract.signature import FILE_NAME, Signature, load_signature

if TYPE_CHECKING:
    from byo.demonstration import Outcome

DESCRIPTION = """\
Train the algorithm through the real `train` on four fifths of its sample, in a scratch
/opt/ml tree; serve the model with the real `serve`; send the rows kept back as CSV, as JSON
and as Parquet; show the predictions beside the truth, and that the three agree. Nothing is
left behind but, after a failure, the logs.
"""
EXAMPLES = """\
examples:
  byo demo
  byo demo --algorithm mine
"""
STEPS = 5
TIMEOUT_SECONDS = 600.0
ROWS_SHOWN = 10
FEATURES_SHOWN = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_algorithm(parser)


def run(options: argparse.Namespace) -> int:
    train_executable()
    require_serving(os.environ)
    require_module("pyarrow", "pyarrow")
    algorithm = find_algorithm(options.algorithm, os.environ)
    with scratch("demo") as folder:
        _demonstrate(algorithm, folder)
    return 0


def _demonstrate(algorithm: Algorithm, folder: Path) -> None:
    # Here, so that a machine without pyarrow is told so, and all other commands do without.
    from byo.demonstration import compare, hold_out

    _step(1, f"a scratch /opt/ml tree, from {algorithm.sample.base}")
    paths = sample_job(folder / "ml", algorithm)
    holdout = hold_out(paths)

    _step(2, f"training on {holdout.trained} rows; {holdout.rows.num_rows} are kept back")
    log = folder / "train.log"
    with working("training", log):
        run_training(paths, algorithm, os.environ, log=log, timeout=TIMEOUT_SECONDS)
    signature, target = _described(paths, log)
    features, truth = holdout.separate(target, signature.names)

    _step(3, "starting the server on the model")
    log = folder / "serve.log"
    # The answers are compared with the target, whatever training or a setting asks for.
    environ = {**os.environ, INFERENCE_OUTPUT_VARIABLE: PREDICTED_LABEL}
    with ExitStack() as running:
        with working("loading the model", log):
            endpoint = running.enter_context(local_endpoint(paths, algorithm, environ, log=log))
        _step(4, f"sending the {len(truth)} rows to {endpoint.url} as CSV, JSON and Parquet")
        try:
            # Nothing is drawn meanwhile: the times are measured.
            with endpoint.client() as client:
                outcomes = compare(client, features)
        except RequestFailed as failure:
            raise RequestFailed(failure.cause, log) from None
        _step(5, "stopping the server")
    _show(features, truth, outcomes, target, classifier=bool(signature.classes))
    _require_agreement(outcomes, log)


def _described(paths: Paths, log: Path) -> tuple[Signature, str]:
    """The model's signature, and the target's name in it."""
    signature = load_signature(paths.model)
    if signature is None or not signature.outputs or signature.outputs[0].name is None:
        raise JobFailed(
            f"training wrote no {FILE_NAME} that names the target: "
            "call byo.save_signature(model, X, y) in train.py",
            log,
        )
    return signature, signature.outputs[0].name


def _show(
    features: Any,
    truth: Sequence[Any],
    outcomes: Sequence[Outcome],
    target: str,
    *,
    classifier: bool,
) -> None:
    shown = features.column_names[:FEATURES_SHOWN]
    read = [outcome for outcome in outcomes if outcome.predictions is not None]
    predictions = read[0].predictions or [] if read else []
    rows = [
        [*(row[name] for name in shown), prediction, actual]
        for row, prediction, actual in zip(features.to_pylist(), predictions, truth, strict=False)
    ]
    # Data often lie sorted by target: rows from all over show more than the first ones.
    some = rows[:: max(1, len(rows) // ROWS_SHOWN)][:ROWS_SHOWN]
    say()
    say_table([*shown, "predicted", target], some)
    say()
    measure = "accuracy" if classifier else "R²"
    summary = [_measured(outcome, truth, classifier) for outcome in outcomes]
    say_table(["content type", "rows", measure, "one row, median ms"], summary)
    say()


def _measured(outcome: Outcome, truth: Sequence[Any], classifier: bool) -> list[object]:
    """A line of the summary: how well and how fast the rows sent as one type were answered."""
    from byo.demonstration.comparison import score

    if outcome.predictions is None:
        return [outcome.content_type, None, None, None]
    points = score(outcome.predictions, truth, classifier=classifier)
    return [outcome.content_type, len(truth), f"{points:.3f}", f"{outcome.latency:.1f}"]


def _require_agreement(outcomes: Sequence[Outcome], log: Path) -> None:
    """Say that all content types were answered alike.

    Raises:
        RequestFailed: they were not, or none was read.
    """
    read = [outcome for outcome in outcomes if outcome.predictions is not None]
    names = ", ".join(outcome.content_type for outcome in read)
    if not read:
        raise RequestFailed("the algorithm reads none of CSV, JSON and Parquet", log)
    if any(outcome.predictions != read[0].predictions for outcome in read):
        raise RequestFailed(f"the predictions for {names} differ", log)
    for outcome in outcomes:
        if outcome.predictions is None:
            say(f"{outcome.content_type} is not read by this algorithm.")
    say(f"The same predictions for {names}.")


def _step(number: int, text: str) -> None:
    say(f"[{number}/{STEPS}] {text}")
