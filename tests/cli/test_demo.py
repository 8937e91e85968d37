import signal

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.portable]


def test_the_demo_goes_from_data_to_predictions(run_byo, template, survivors, scratch):
    """Five steps, predictions beside the truth, three content types that agree, nothing left."""
    done = run_byo("demo", "--algorithm", template)

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[:5] for line in lines[:5]] == [f"[{step}/5]" for step in range(1, 6)]
    assert lines[-1] == (
        "The same predictions for text/csv, application/json, application/x-parquet."
    )
    (header,) = [line for line in lines if "predicted" in line]
    assert header.split()[-1] == "cultivar"
    accuracy = [float(line.split()[2]) for line in lines if line.startswith("application/")]
    assert len(accuracy) == 2
    assert min(accuracy) > 0.8
    assert survivors() == []
    assert list(scratch.iterdir()) == []


def test_an_interrupted_demo_leaves_nothing(start_byo, survivors, template, scratch):
    """Ctrl-C while the server runs stops it, with exit code 130."""
    process = start_byo("demo", "--algorithm", template)
    for line in process.stdout:
        if line.startswith("[4/5]"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=90)

    assert process.returncode == 130
    assert errors == "byo demo: interrupted\n"
    assert survivors() == []
    assert list(scratch.iterdir()) == []
