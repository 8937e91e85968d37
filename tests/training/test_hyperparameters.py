"""Hyperparameters: what SageMaker hands on as text, in the types that a script declares."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import pytest

from tests.training.jobs import DEADLINE, environment
from training_entry import HyperparameterError, hyperparameter, is_secret, masked
from training_entry.hyperparameters import declared_hyperparameters, parse_hyperparameters

NOWHERE = {"SAGEMAKER_BASE_DIR": "/nonexistent"}


class Kernel(Enum):
    LINEAR = "linear"
    RADIAL = "rbf"


@dataclass(frozen=True)
class Declared:
    trees: int = hyperparameter(100, least=1, most=1000)
    rate: float = hyperparameter(0.1, above=0)
    verbose: bool = False
    name: str = "none given"
    criterion: Literal["gini", "entropy"] = "gini"
    kernel: Kernel = Kernel.LINEAR
    depth: int | None = 3
    note: str | None = None
    features: int | float | Literal["sqrt"] | None = None
    layers: list[int] = hyperparameter([10], least=1)  # noqa: RUF009
    folds: int = field(default=5, metadata={"choices": (3, 5, 10)})
    api_token: Literal["a", "b"] | None = None


CONVERSIONS = [
    ("trees", "10", 10),
    ("trees", 10, 10),
    ("trees", "10.0", 10),
    ("trees", "1e2", 100),
    ("trees", '"10"', 10),
    ("rate", "1e-3", 0.001),
    ("rate", 1, 1.0),
    ("verbose", "False", False),
    ("verbose", "false", False),
    ("verbose", "True", True),
    ("verbose", 1, True),
    ("verbose", False, False),
    ("name", "10", "10"),
    ("name", '"quoted"', "quoted"),
    ("name", "None", "None"),
    ("name", "", ""),
    ("name", True, "true"),
    ("criterion", "entropy", "entropy"),
    ("criterion", '"entropy"', "entropy"),
    ("kernel", "rbf", Kernel.RADIAL),
    ("kernel", "LINEAR", Kernel.LINEAR),
    ("depth", "None", None),
    ("depth", "null", None),
    ("depth", "", None),
    ("depth", None, None),
    ("depth", "7", 7),
    ("note", "None", None),
    ("note", "text", "text"),
    ("features", "sqrt", "sqrt"),
    ("features", "0.5", 0.5),
    ("features", "3", 3),
    ("layers", "[1, 2]", [1, 2]),
    ("layers", "1,2, 3", [1, 2, 3]),
    ("layers", ["1", 2], [1, 2]),
    ("layers", 4, [4]),
    ("layers", "", []),
    ("layers", '"[1, 2]"', [1, 2]),
    ("layers", '["1", "2"]', [1, 2]),
    ("depth", '""', None),
    ("depth", '"None"', None),
    ("folds", "10", 10),
]

REFUSALS = [
    ("trees", "ten", "trees is 'ten': it must be a whole number from 1 to 1000"),
    ("trees", "1.5", "trees is '1.5': it must be a whole number from 1 to 1000"),
    ("trees", "0", "trees is '0': it must be a whole number from 1 to 1000"),
    ("trees", True, "trees is True: it must be a whole number from 1 to 1000"),
    ("trees", None, "trees is None: it must be a whole number from 1 to 1000"),
    ("trees", "", "trees is '': it must be a whole number from 1 to 1000"),
    ("trees", "1e400", "trees is '1e400': it must be a whole number from 1 to 1000"),
    ("rate", "0", "rate is '0': it must be a number above 0"),
    ("rate", "nan", "rate is 'nan': it must be a number above 0"),
    ("rate", 10**400, "it must be a number above 0"),
    ("verbose", "maybe", "verbose is 'maybe': it must be true or false"),
    ("name", None, "name is None: it must be text"),
    ("criterion", "Gini", "criterion is 'Gini': it must be one of gini, entropy"),
    ("kernel", "poly", "kernel is 'poly': it must be one of linear, rbf"),
    ("depth", "deep", "depth is 'deep': it must be a whole number or None"),
    ("features", "log", "it must be a whole number or a number or one of sqrt or None"),
    ("layers", "[1, 0]", "it must be a list, each item a whole number from 1 on"),
    ("layers", "[1, ", "it must be a list, each item a whole number from 1 on"),
    ("layers", {"a": 1}, "it must be a list, each item a whole number from 1 on"),
    ("folds", "4", "folds is '4': it must be one of 3, 5, 10"),
    ("tree", "4", "tree is unknown: is trees meant?"),
    ("zzz", "4", "zzz is unknown: there are trees, rate, verbose"),
    ("api_token", "open-sesame", "api_token is ***: it must be one of a, b or None"),
    ("depth", "x" * 99, "x…: it must be a whole number or None"),
]


@pytest.mark.parametrize(("name", "given", "expected"), CONVERSIONS)
def test_a_value_takes_its_declared_type(name, given, expected):
    """Text and decoded JSON alike become the type; None only where it is allowed."""
    value = getattr(parse_hyperparameters(Declared, {name: given}), name)

    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(("name", "given", "expected"), REFUSALS)
def test_a_refusal_says_what_would_be_right(name, given, expected):
    """The message names the hyperparameter and what is allowed, and shows no secret."""
    with pytest.raises(HyperparameterError) as caught:
        parse_hyperparameters(Declared, {name: given})

    assert expected in str(caught.value)
    assert "open-sesame" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_problems_come_at_once():
    """One error lists each problem, and survives the way out of a worker process."""
    values = {"trees": "ten", "tree": 1, "folds": 4, "fo-lds": 4, "max-depth": 1, "max_depth": 2}

    with pytest.raises(HyperparameterError) as caught:
        parse_hyperparameters(Declared, values)

    problems = caught.value.problems
    assert len(problems) == 6
    assert "max_depth and max-depth are the same hyperparameter, given twice" in problems
    assert str(caught.value) == "; ".join(problems)
    assert pickle.loads(pickle.dumps(caught.value)).problems == problems


def test_what_must_be_given_is_missed():
    """A field without a default is required."""

    @dataclass
    class Required:
        target: str
        depth: int = hyperparameter(least=1)

    with pytest.raises(HyperparameterError, match="target is missing: it must be text; depth is"):
        parse_hyperparameters(Required, {})


def test_without_values_the_defaults_count():
    """Nothing given anywhere is no error, and a list is not shared between instances."""
    first = parse_hyperparameters(Declared, arguments=[], environ=NOWHERE)
    second = parse_hyperparameters(Declared, {})

    assert first == second == Declared()
    assert first.layers is not second.layers


def in_a_job(tmp_path, hyperparameters):
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    return {"SAGEMAKER_BASE_DIR": str(tmp_path)}


def test_the_file_is_read_where_the_environment_is_silent(tmp_path):
    """Names with a dash are those with an underscore; SageMaker's own are not the user's."""
    framework = {"sagemaker_program": "train.py", "_tuning_objective_metric": "accuracy"}
    environ = in_a_job(tmp_path, {"api-token": "b", "trees": "7", **framework})

    parsed = parse_hyperparameters(Declared, arguments=[], environ=environ)

    assert (parsed.trees, parsed.api_token) == (7, "b")


def test_text_survives_the_decoding_of_the_toolkit(tmp_path):
    """A version 1.10 in SM_HPS has become 1.1: the file still has the text."""
    environ = in_a_job(tmp_path, {"name": "1.10", "trees": "7"})

    parsed = parse_hyperparameters(
        Declared, arguments=[], environ=environ | {"SM_HPS": '{"name": 1.1, "trees": 8}'}
    )

    assert (parsed.name, parsed.trees) == ("1.10", 8)


ARGUMENTS = [
    (["--trees", "10"], {"trees": 10}),
    (["--trees=10", "--verbose"], {"trees": 10, "verbose": True}),
    (["--verbose", "--trees", "10"], {"trees": 10, "verbose": True}),
    (["--layers", "1,2", "--depth", "None"], {"layers": [1, 2], "depth": None}),
    (["--depth", "-1"], {"depth": -1}),
    (["--depth", "-1e3"], {"depth": -1000}),
    (["--name", "-"], {"name": "-"}),
]


@pytest.mark.parametrize(("arguments", "expected"), ARGUMENTS)
def test_the_command_line_serves_by_hand(arguments, expected):
    """The same script runs with --name value, --name=value and --flag."""
    parsed = parse_hyperparameters(Declared, arguments=arguments, environ=NOWHERE)

    assert {name: getattr(parsed, name) for name in expected} == expected


def test_what_is_typed_counts_before_the_job():
    """The toolkit's repetition changes nothing; an argument of one's own does."""
    environ = NOWHERE | {"SM_HPS": '{"depth": null, "name": "--odd", "verbose": false}'}
    repeated = ["--depth", "", "--name", "--odd", "--verbose", "False"]

    as_job = parse_hyperparameters(Declared, arguments=repeated, environ=environ)
    typed = parse_hyperparameters(Declared, arguments=["--depth", "5"], environ=environ)

    assert (as_job.depth, as_job.name, as_job.verbose) == (None, "--odd", False)
    assert (typed.depth, typed.name) == (5, "--odd")


def test_a_stray_argument_is_told_by_its_position():
    """It may be half of a secret, so that it is not shown."""
    arguments = ["--api_token", "open", "sesame"]

    with pytest.raises(HyperparameterError, match="argument 3 follows no --name") as caught:
        parse_hyperparameters(Declared, arguments=arguments, environ=NOWHERE)

    assert "sesame" not in str(caught.value)


def test_help_shows_the_table(capsys):
    """--help writes names, types, ranges and defaults, and ends the script."""
    with pytest.raises(SystemExit) as caught:
        parse_hyperparameters(Declared, arguments=["--help"], environ=NOWHERE)

    assert caught.value.code == 0
    assert "  --trees  int; from 1 to 1000; default: 100\n" in capsys.readouterr().out


@dataclass
class Unsupported:
    layout: dict[str, int] = field(default_factory=dict)
    trees: int = hyperparameter(0, least=1)


@dataclass
class Unknown:
    layout: NoSuchType = None  # noqa: F821


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (Unsupported, "layout is declared as dict"),
        (Unsupported, "the default of trees must be a whole number from 1 on"),
        (Unknown, "a type of Unknown is unknown: name 'NoSuchType' is not defined"),
        (dict, "is no dataclass: write @dataclass above it"),
        (Declared(), "is no dataclass"),
    ],
)
def test_a_wrong_declaration_is_told(declared: Any, expected):
    """It fails before any value is looked at."""
    with pytest.raises(HyperparameterError, match=expected):
        declared_hyperparameters(declared)


def test_a_declaration_is_a_table():
    """Type, allowed values and default of each, and no secret's default."""

    @dataclass
    class Small:
        password: str = "open-sesame"
        depth: int | None = hyperparameter(None, least=1, help="how deep")

    rows = [each.row for each in declared_hyperparameters(Declared)]
    small = [list(each.row.values()) for each in declared_hyperparameters(Small)]

    assert [row["allowed"] for row in rows][:6] == [
        "from 1 to 1000",
        "above 0",
        "",
        "",
        "gini, entropy",
        "linear, rbf",
    ]
    assert small == [
        ["password", "str", "", "***", ""],
        ["depth", "int or None", "from 1 on", "None", "how deep"],
    ]


@pytest.mark.parametrize("name", ["password", "db-PASSWD", "HF_TOKEN", "my_secret", "api_key"])
def test_a_secret_is_told_by_its_name(name):
    """Its value is masked at any depth, and the others are shown."""
    shown = masked({name: "open", "trees": 3, "more": {name: "open", "list": [{name: "open"}]}})

    assert is_secret(name)
    assert "open" not in str(shown)
    assert shown["trees"] == 3


def test_the_face_is_cheap():
    """A plain import brings neither pandas nor the toolkit."""
    program = (
        "import sys, training_entry\n"
        "missing = [n for n in training_entry.__all__ if not hasattr(training_entry, n)]\n"
        "dear = {'pandas', 'sklearn', 'pyarrow', 'sagemaker_training'} & set(sys.modules)\n"
        "print(missing, sorted(dear))"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )

    assert done.stdout == "[] []\n"
