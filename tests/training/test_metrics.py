"""Metrics: one form on stdout, regexes that find it, and a file that keeps it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.training.jobs import DEADLINE, environment
from training_entry import MetricError, metric_definitions, report_metrics
from training_entry.metrics import metric_regex

REFUSED = [
    ({"loss": float("nan")}, None, "metric loss is nan: only finite numbers can be reported"),
    ({"loss": np.float32("inf")}, None, "metric loss is inf: only finite numbers"),
    ({"loss": "0.5"}, None, "metric loss is a str: it must be a number"),
    ({"loss": True}, None, "metric loss is a bool: it must be a number"),
    ({"loss": None}, None, "metric loss is a NoneType"),
    ({"loss": np.zeros(2)}, None, "metric loss is a ndarray"),
    ({"my loss": 1}, None, "'my loss' can't be a metric's name"),
    ({"a=b": 1}, None, "'a=b' can't be a metric's name"),
    ({"": 1}, None, "'' can't be a metric's name"),
    ({3: 1}, None, "3 can't be a metric's name"),
    ({"step": 1}, None, "give it as the argument step"),
    ({"loss": 1}, -1, "step is -1: it must be a whole number from 0 on"),
    ({"loss": 1}, 1.5, "step is 1.5: it must be a whole number from 0 on"),
]


@pytest.mark.parametrize(("metrics", "step", "expected"), REFUSED)
def test_what_is_no_metric_is_refused(capsys, metrics, step, expected):
    """Nothing is printed then, not even the metrics that are right."""
    with pytest.raises(MetricError, match=re.escape(expected)):
        report_metrics({"accuracy": 0.5} | metrics, step)

    assert capsys.readouterr().out == ""


def run(program, environ):
    """Run a program in a process of its own; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"from training_entry import *\n{program}"],
        env=environment() | environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )
    return done.stdout


def test_the_regexes_find_what_is_printed(tmp_path):
    """Each definition finds its own metric's values and no other's, small and large ones too."""
    program = (
        "import numpy as np\n"
        "report_metric('accuracy', np.float64(0.97))\n"
        "report_metrics({'val_accuracy': 0.5, 'f1.a+b': np.int64(-3)}, step=2)\n"
        "report_metrics({'accuracy': 1e-7, 'val_accuracy': np.array([1e20])}, step=3)"
    )

    printed = run(program, {"SAGEMAKER_BASE_DIR": str(tmp_path)})
    found = {
        definition["Name"]: [float(value) for value in re.findall(definition["Regex"], printed)]
        for definition in metric_definitions(["accuracy", "val_accuracy", "f1.a+b"])
    }

    assert printed.splitlines()[:2] == [
        "accuracy=0.97;",
        "val_accuracy=0.5; f1.a+b=-3.0; step=2;",
    ]
    assert found == {"accuracy": [0.97, 1e-7], "val_accuracy": [0.5, 1e20], "f1.a+b": [-3.0]}


@pytest.mark.parametrize("line", ["accuracy=1e-05;", "algo-1 | accuracy=0.00001;"])
def test_the_regexes_find_what_a_script_prints_itself(line):
    """name=value; with any number and behind any prefix is the form."""
    assert float(re.search(metric_regex("accuracy"), line)[1]) == 1e-05


def test_metrics_are_kept_with_their_history(tmp_path):
    """metrics.json has the last values and each report, and nothing is left beside it."""
    program = (
        "for step in range(1002): report_metrics({'loss': 1 / (step + 1)}, step)\n"
        "report_metric('accuracy', 1)\n"
        "print(reported_metrics())"
    )
    output = tmp_path / "out"

    printed = run(program, {"SM_OUTPUT_DIR": str(output), "SAGEMAKER_BASE_DIR": str(tmp_path)})
    document = json.loads((output / "metrics.json").read_text())

    assert document["metrics"] == {"loss": 1 / 1002, "accuracy": 1.0}
    assert len(document["history"]) == 1000
    assert document["history"][-2:] == [
        {"step": 1001, "metrics": {"loss": 1 / 1002}},
        {"step": None, "metrics": {"accuracy": 1.0}},
    ]
    assert printed.endswith(f"{document['metrics']}\n")
    assert [file.name for file in output.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize(("host", "written"), [("algo-1", True), ("algo-2", False)])
def test_only_the_leader_keeps_metrics(tmp_path, host, written):
    """Every host prints; the first one writes the file."""
    environ = {
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "SM_HOSTS": '["algo-1", "algo-2"]',
        "SM_CURRENT_HOST": host,
    }

    printed = run("report_metric('accuracy', 1)", environ)

    assert printed == "accuracy=1.0;\n"
    assert (tmp_path / "output" / "metrics.json").exists() is written
