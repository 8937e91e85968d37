"""What `import byo` and each name of it cost: no more than the name needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import byo

# Each of these takes longer to import than all of ours.
HEAVY = {
    "dask", "distributed", "joblib", "mms", "numpy", "pandas", "psutil", "pyarrow",
    "pydantic", "sagemaker_inference", "sagemaker_training", "scipy", "sklearn",
}  # fmt: skip
NEEDS_NUMPY = {
    "ChannelError",
    "Signature",
    "load_signature",
    "read_channel",
    "save_signature",
    "shard_by_host",
}
NEEDS_JOBLIB = {"CheckpointError", "checkpoint", "load_checkpoint", "save_checkpoint"}


def loaded(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def of(modules: set[str], *packages: str) -> set[str]:
    return {module for module in modules if module.split(".")[0] in packages}


def test_the_package_costs_itself_alone() -> None:
    """A script that imports byo has loaded neither a library nor the rest of ours."""
    modules = loaded("import byo")

    assert of(modules, *HEAVY) == set()
    assert of(modules, "byo", "contract", "handler", "training_entry") == {"byo"}


def test_a_signature_costs_contract_and_numpy() -> None:
    """What the default algorithm imports brings nothing of training or of the command line."""
    modules = loaded("from byo import save_signature")

    assert modules & HEAVY == {"numpy"}
    assert of(modules, "byo", "handler", "training_entry") == {"byo"}


@pytest.mark.parametrize("name", byo.__all__)
def test_a_name_costs_what_it_needs(name: str) -> None:
    """None brings the command line, serving, pandas or scikit-learn; most bring no library."""
    modules = loaded(f"from byo import {name}")
    allowed = {"numpy"} if name in NEEDS_NUMPY else set()
    allowed |= {"joblib", "numpy", "psutil"} if name in NEEDS_JOBLIB else set()

    assert modules & HEAVY <= allowed
    assert of(modules, "byo", "handler") == {"byo"} or name == "Endpoint"
    assert "byo.cli" not in modules


def test_the_commands_help_costs_no_command() -> None:
    """Neither a library nor the code of any subcommand is loaded to list them."""
    modules = loaded("from byo.cli.main import build_parser; build_parser([]).format_help()")

    assert of(modules, *HEAVY, "rich", "handler", "training_entry") == set()
    assert "byo.cli.check" not in modules


def test_a_request_costs_no_library() -> None:
    """`byo invoke` is asked often."""
    modules = loaded("from byo.cli.main import build_parser; build_parser(['invoke'])")

    assert of(modules, *HEAVY, "rich", "training_entry") == set()


def test_a_name_that_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(ImportError, match="cannot import name 'save_sgnature' from 'byo'"):
        from byo import save_sgnature  # noqa: F401


def test_all_names_are_shown_before_they_are_loaded() -> None:
    """Completion in a notebook asks dir()."""
    assert set(byo.__all__) <= set(dir(byo))
