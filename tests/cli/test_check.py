import json
import os
import shutil
from pathlib import Path

import numpy
import pytest

from byo.algorithm_folder import Algorithm
from byo.contract_check import check_folder
from byo.contract_check.metrics_check import check_metrics
from byo.contract_check.round_trip import count_rows
from contract.columns import Column
from contract.paths import Paths
from contract.signature import Signature
from training_entry import metric_definitions

# Each row: files to write over a sound folder (None: to remove), and a finding that must come.
BROKEN = [
    pytest.param(
        {"train.py": None},
        "error    train.py: there is none: training runs this script",
        id="train",
    ),
    pytest.param(
        {"train.py": "x = 1\ndef broken(:\n"},
        "error    train.py:2: can't be compiled: invalid syntax",
        id="train syntax",
    ),
    pytest.param(
        {"inference.py": "def predict_fn(data, model)\n    return 1\n"},
        "error    inference.py:1: can't be compiled: expected ':'",
        id="inference syntax",
    ),
    pytest.param(
        {"inference.py": "import not_to_be_found_anywhere\n"},
        "error    inference.py: can't be imported: ModuleNotFoundError: "
        "No module named 'not_to_be_found_anywhere' (inference.py:1)",
        id="missing import",
    ),
    pytest.param(
        {"inference.py": "import sys\nsys.exit(0)\n"},
        "error    inference.py: can't be imported: SystemExit: 0 (inference.py:2)",
        id="exit on import",
    ),
    pytest.param(
        {"inference.py": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"},
        "error    inference.py: its import ended the process with exit code -9",
        id="killed on import",
    ),
    pytest.param(
        {"inference.py": "\ndef predict_func(data, model):\n    return model.predict(data)\n"},
        "warning  inference.py:2: predict_func is never called: rename it if predict_fn is meant",
        id="near miss",
    ),
    pytest.param(
        {"inference.py": "def predict_fn(data):\n    return data\n"},
        "error    inference.py:1: predict_fn(data) must take 2 arguments, or 3 with a context",
        id="too few arguments",
    ),
    pytest.param(
        {"inference.py": "def model_fn(a, b, c):\n    return a\n"},
        "error    inference.py:1: model_fn(a, b, c) must take 1 arguments, or 2 with a context",
        id="too many arguments",
    ),
    pytest.param(
        {"inference.py": "async def predict_fn(data):\n    return data\n"},
        "error    inference.py:1: predict_fn(data) must take 2 arguments, or 3 with a context",
        id="async",
    ),
    pytest.param(
        {
            "inference.py": "def input_fn(body, content_type): ...\n"
            "def transform_fn(model, body, content_type, accept): ...\n"
        },
        "error    inference.py:2: transform_fn stands beside input_fn, which it replaces: "
        "keep one or the other",
        id="transform_fn and input_fn",
    ),
    pytest.param({"handler.py": ""}, "handler.py takes the name of a package of ours", id="shadow"),
    pytest.param(
        {"requirements.txt": "# fine\nlightgbm >=4, <5 ; python_version > '3'\nnumpy 2\n"},
        "error    requirements.txt:3: 'numpy 2' is not a requirement such as lightgbm>=4",
        id="requirement",
    ),
    pytest.param(
        {"requirements.txt": "numpy\n-r more.txt\n", "more.txt": "numpy 2\n"},
        "error    more.txt:1: 'numpy 2' is not a requirement",
        id="a file that requirements.txt names",
    ),
    pytest.param(
        {"requirements.txt": "-c limits.txt\n"},
        "error    requirements.txt:1: there is no limits.txt in ",
        id="no such file of constraints",
    ),
    pytest.param(
        {"requirements.txt": "./wheels/mine-1.0-py3-none-any.whl\n"},
        "error    requirements.txt:1: there is no ./wheels/mine-1.0-py3-none-any.whl in ",
        id="no such wheel",
    ),
    pytest.param(
        {"requirements.txt": "-e ../lib\n"},
        "error    requirements.txt:1: ../lib lies outside mine/, which alone",
        id="a package outside",
    ),
    pytest.param(
        {"requirements.txt": "--find-links /absent/wheels\n"},
        "warning  requirements.txt:1: /absent/wheels is a place of this machine",
        id="a place of this machine",
    ),
    pytest.param(
        {"sample/input/data/training/wine.csv": None},
        "warning  sample/input/data: holds no data",
        id="no data",
    ),
    pytest.param(
        {"sample/input/config/hyperparameters.json": '{"depth": 3}'},
        "warning  sample/input/config/hyperparameters.json: depth is 3: "
        "SageMaker hands on strings only",
        id="hyperparameter",
    ),
    pytest.param(
        {"sample/input/config/hyperparameters.json": "[]"},
        "hyperparameters.json must hold a JSON object, not list",
        id="hyperparameters",
    ),
]

SOUND = [
    pytest.param("def predict_fn(data, model, context): ...", id="context"),
    pytest.param("def predict_fn(data, model, *, context=None): ...", id="keyword context"),
    pytest.param("def predict_fn(data, model, threshold=1 / 2): ...", id="default"),
    pytest.param("def predict_fn(*arguments, **options): ...", id="any arguments"),
    pytest.param("from json import loads as model_fn", id="imported"),
    pytest.param("model_fn = len", id="assigned"),
    pytest.param("def predict_one(row): ...\ndef f(x): return predict_one(x)", id="helper"),
    pytest.param("def transform_fn(model, body, content_type, accept): ...", id="transform_fn"),
]

REQUIREMENTS = """\
-r other.txt
--index-url https://packages.example/simple
numpy
scikit-learn[alldeps] >= 1.5, != 1.6.0  # a comment
lightgbm==4.*; sys_platform == "linux"
mine @ https://packages.example/mine-1.0.tar.gz
./wheels/mine-1.0-py3-none-any.whl
git+https://code.example/mine.git@v1
orjson==3.10.0 \\
    --hash=sha256:0123456789abcdef
"""


@pytest.fixture
def folder(template, tmp_path):
    return shutil.copytree(template, tmp_path / "mine")


def findings(folder):
    return [str(finding) for finding in check_folder(Algorithm(folder), os.environ)]


@pytest.mark.parametrize(("files", "expected"), BROKEN)
def test_a_broken_folder_is_told(folder, files, expected):
    """Each way to break the contract comes out as one line that names the place."""
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)

    found = findings(folder)

    assert any(expected in line for line in found), found


@pytest.mark.parametrize("source", SOUND)
def test_a_sound_inference_is_let_be(folder, source):
    """What the server would accept raises neither an error nor a warning."""
    (folder / "inference.py").write_text(source)

    found = findings(folder)

    assert all(line.startswith("ok ") for line in found), found


def test_all_that_pip_reads_is_let_be(folder):
    """Options, extras, markers, addresses, paths, comments and joined lines are no errors."""
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    (folder / "other.txt").write_text("-c more/limits.txt\nscipy\n")
    (folder / "more").mkdir()
    (folder / "more" / "limits.txt").write_text("pandas<99\n")
    (folder / "wheels").mkdir()
    (folder / "wheels" / "mine-1.0-py3-none-any.whl").touch()

    found = findings(folder)

    assert any(line.startswith("ok       requirements.txt: 8 requirements") for line in found)


def test_another_version_than_the_installed_one_is_told(folder):
    """It is no fault: a job and a server get it for themselves."""
    (folder / "requirements.txt").write_text("numpy<2\n")

    found = next(line for line in findings(folder) if "requirement" in line)

    assert found.startswith("ok       requirements.txt: 1 requirement\n")
    assert f"numpy<2: {numpy.__version__} is installed here, and stays" in found


def test_user_code_is_not_run_in_this_process(folder):
    """The import of inference.py happens elsewhere."""
    (folder / "inference.py").write_text("import os\nos.environ['LEFT_BEHIND'] = '1'\n")

    findings(folder)

    assert "LEFT_BEHIND" not in os.environ


DECLARING = """
import sys
from dataclasses import dataclass

from byo import hyperparameter, parse_hyperparameters

@dataclass
class Mine:
    trees: int = hyperparameter(100, least=1, help="how many")
    api_key: str = "open-sesame"

def main():
    parse_hyperparameters(Mine)

if __name__ == "__main__":
    main()
"""
TABLE = """\
ok       train.py: Mine declares 2 hyperparameters
         name     type  allowed    default  help
         -------  ----  ---------  -------  --------
         trees    int   from 1 on  100      how many
         api_key  str              ***"""


def test_declared_hyperparameters_are_shown(folder):
    """The table comes from a process that imports the script."""
    (folder / "train.py").write_text(DECLARING)

    assert TABLE in findings(folder)


def test_a_model_of_pydantic_is_shown_alike(folder):
    """Its constraints and descriptions are in the table."""
    source = DECLARING.replace("@dataclass\nclass Mine:", "class Mine(BaseModel):")
    source = source.replace("hyperparameter(100, least=1, help=", "Field(100, ge=1, description=")
    source = source.replace("import sys", "from pydantic import BaseModel, Field")
    (folder / "train.py").write_text(source)

    assert TABLE in findings(folder)


def test_without_a_declaration_no_script_is_imported(folder):
    """A script that trains when it is imported does not train now."""
    (folder / "train.py").write_text("raise SystemExit('this trains')\n")

    found = findings(folder)

    assert "ok       train.py: compiles" in found
    assert all(line.startswith("ok ") for line in found), found


UNTOLD = [
    pytest.param(
        DECLARING.partition("def main")[0] + "parse_hyperparameters(Mine)\n",
        "warning  train.py:12: parse_hyperparameters runs when the file is imported",
        id="on import",
    ),
    pytest.param(
        DECLARING.replace("least=1", "least=101"),
        "error    train.py: Mine: the default of trees must be a whole number from 101 on",
        id="default",
    ),
    pytest.param(
        DECLARING.replace("import sys", "import not_to_be_found_anywhere"),
        "error    train.py: Mine: can't be imported: ModuleNotFoundError: "
        "No module named 'not_to_be_found_anywhere' (train.py:2)",
        id="missing import",
    ),
    pytest.param(
        DECLARING.replace("(Mine)", "(Yours)"),
        "error    train.py: Yours: Yours is no class of the module's own",
        id="no such class",
    ),
    pytest.param(
        DECLARING.replace("import sys", "import os; os._exit(3)"),
        "error    train.py: Mine can't be read: its import ended the process with exit code 3",
        id="exit",
    ),
    pytest.param(
        DECLARING.replace("import sys", "import os; os._exit(0)"),
        "error    train.py: Mine can't be read: its import ended the process too early",
        id="early exit",
    ),
]


@pytest.mark.parametrize(("source", "expected"), UNTOLD)
def test_a_declaration_that_cant_be_shown_is_told(folder, source, expected):
    """Why there is no table, in one line."""
    (folder / "train.py").write_text(source)

    found = findings(folder)

    assert any(line.startswith(expected) for line in found), found


def test_metric_definitions_are_shown(tmp_path):
    """For what the log has a regex is given; what it lacks is a warning."""
    log = tmp_path / "train.log"
    log.write_text("accuracy=0.97; loss=1e-05; step=3;\n")
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "metrics.json").write_text('{"metrics": {"loss": 1e-05}}')
    signature = Signature((), metrics={"accuracy": 0.97, "recall": 1.0, "my score": 1.0})

    found = [str(finding) for finding in check_metrics(Paths(tmp_path), signature, log)]

    assert [line.partition(":")[0] for line in found[:2]] == [
        "warning  metric recall is not in the log as recall=value; so that SageMaker can't find it",
        "warning  'my score' can't be a metric's name",
    ]
    assert found[2] == (
        "ok       metric_definitions for 2 found in the log\n"
        f"         {json.dumps(metric_definitions(['loss'])[0])},\n"
        f"         {json.dumps(metric_definitions(['accuracy'])[0])},"
    )


def test_errors_make_the_exit_code(run_byo, folder):
    """An error ends the command with 1 and one line; the round trip is not begun."""
    (folder / "train.py").unlink()

    done = run_byo("check", folder)

    assert done.returncode == 1
    assert "skipped  the round trip, until the errors above are mended" in done.stdout
    assert done.stderr == f"byo check: {folder} does not keep the contract: 1 error\n"


def test_a_static_check_trains_nothing(run_byo, folder):
    """Without the round trip nothing is written anywhere."""
    done = run_byo("check", folder, "--no-round-trip")

    assert done.returncode == 0
    assert done.stdout.endswith("skipped  the round trip\n")


@pytest.mark.slow
def test_a_failing_round_trip_names_cause_and_log(run_byo, folder, survivors):
    """A training script that fails is an error, with the cause and the log."""
    (folder / "train.py").write_text("print('look here')\nraise RuntimeError('no luck')\n")

    done = run_byo("check", folder)

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert done.returncode == 1
    assert "no luck" in line
    log = Path(line.partition("the full log: ")[2].rstrip(")"))
    assert "look here" in log.read_text()
    assert survivors() == []


@pytest.mark.slow
def test_a_wrong_number_of_predictions_is_an_error(run_byo, folder):
    """An answer must hold one prediction for each row."""
    (folder / "train.py").write_text(
        "import os, pathlib\npathlib.Path(os.environ['SM_MODEL_DIR'], 'model.txt').touch()\n"
    )
    (folder / "inference.py").write_text(
        "def model_fn(model_dir):\n"
        "    return 'none'\n"
        "def transform_fn(model, body, content_type, accept):\n"
        "    return '[1, 2]', 'application/json'\n"
    )

    done = run_byo("check", folder)

    assert done.returncode == 1
    assert "error    sample/payload.csv: 10 rows, 2 predictions" in done.stdout


NAMED = Signature((Column("age"), Column("sex")))


@pytest.mark.parametrize(
    ("body", "signature", "rows"),
    [
        (b"age,sex\n1,f\n2,m\n", NAMED, 2),
        (b"sex,age\r\nf,1\r\n", NAMED, 1),
        (b"1,f\n2,m\n", NAMED, 2),
        (b"f,m\n", NAMED, 1),
        (b"a,b\n1,2\n", None, 1),
        (b"1,2\n3,4\n\n", None, 2),
        (b'a,b\n1,"two\nlines"\n', None, 1),
        (b"", None, 0),
    ],
)
def test_a_header_line_is_no_row(body, signature, rows):
    """The signature tells a header line; without one, a first line without any number is."""
    assert count_rows(body, signature) == rows
