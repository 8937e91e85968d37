"""Hyperparameters that a model or a dataclass of pydantic declares."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    PositiveInt,
    RootModel,
    SecretStr,
    field_validator,
    model_validator,
)

from tests.training.jobs import DEADLINE, environment
from training_entry import HyperparameterError, hyperparameter, parse_hyperparameters
from training_entry.hyperparameters import declared_hyperparameters


class Kernel(Enum):
    LINEAR = "linear"
    RADIAL = "rbf"
    THIRD = 3


class Optimizer(BaseModel):
    rate: float = Field(0.1, gt=0)
    momentum: float = 0.9
    api_key: str = "none"


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)

    trees: int = Field(100, ge=1, le=1000, description="how many")
    verbose: bool = False
    kind: Literal["gini", "entropy"] = "gini"
    kernel: Kernel = Kernel.LINEAR
    depth: Annotated[int, Field(ge=1)] | None = None
    layers: list[PositiveInt] = [1]
    optimizer: Optimizer = Optimizer()
    optimizers: list[Optimizer] = []
    pin: SecretStr = SecretStr("none")
    pins: dict[str, SecretStr] = {}
    weights: dict[str, float] = {}
    when: date | None = None
    at: datetime | None = None
    seeds: set[int] = set()
    share: Decimal = Decimal(1)
    file: Path | None = None
    pair: tuple[int, str] = (0, "")
    folds: list[int] = []
    steps: Annotated[int, BeforeValidator(lambda text: text.removesuffix(" steps"))] = 1
    table: Json[dict[str, int]] | None = None
    named: int = Field(1, validation_alias=AliasChoices("my-name", "other"))

    @field_validator("folds", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return value.split("-") if isinstance(value, str) else value

    @field_validator("trees")
    @classmethod
    def _not_thirteen(cls, value: int) -> int:
        if value == 13:
            raise ValueError("13 brings\nbad luck")
        return value

    @model_validator(mode="after")
    def _known(self) -> Model:
        if self.trees == 14:
            raise ValueError(f"14 does not go with {self.pin.get_secret_value()}")
        return self


CONVERSIONS = [
    ("trees", '"1e2"', 100),
    ("verbose", "True", True),
    ("kind", "entropy", "entropy"),
    ("kernel", "RADIAL", Kernel.RADIAL),
    ("kernel", "3", Kernel.THIRD),
    ("depth", "None", None),
    ("layers", "1,2", [1, 2]),
    ("layers", "[1, 2]", [1, 2]),
    ("optimizer", '{"rate": "0.5"}', Optimizer(rate=0.5)),
    ("optimizer", {"rate": 1}, Optimizer(rate=1)),
    ("optimizers", '[{"rate": 2}, {}]', [Optimizer(rate=2), Optimizer()]),
    ("pin", '"0123"', SecretStr("0123")),
    ("pin", 123, SecretStr("123")),
    ("pins", '{"a": "b"}', {"a": SecretStr("b")}),
    ("weights", '{"a": "0.5"}', {"a": 0.5}),
    ("when", "2024-01-31", date(2024, 1, 31)),
    ("at", '"2024-01-31T12:00"', datetime(2024, 1, 31, 12)),
    ("when", "null", None),
    ("seeds", "[1, 1, 2]", {1, 2}),
    ("share", "0.10", Decimal("0.10")),
    ("file", "a/b", Path("a/b")),
    ("pair", "[1, \"a\"]", (1, "a")),
    ("folds", "1-2", [1, 2]),
    ("steps", "3 steps", 3),
    ("table", '{"a": 1}', {"a": 1}),
    ("my-name", "3", 3),
    ("other", "3", 3),
]  # fmt: skip

REFUSALS = [
    ("trees", "0", "trees is '0': it must be a whole number from 1 to 1000"),
    ("trees", True, "trees is True: it must be a whole number from 1 to 1000"),
    ("trees", "13", "trees is '13': 13 brings bad luck"),
    ("verbose", "on", "verbose is 'on': it must be true or false"),
    ("kernel", "poly", "kernel is 'poly': it must be one of linear, rbf, 3"),
    ("depth", "0", "depth is '0': it must be a whole number from 1 on or None"),
    ("layers", "1,0", "layers is '1,0': it must be a list, each item a whole number above 0"),
    ("optimizer", "sgd", "it must be a JSON object with rate, momentum, api_key"),
    ("optimizer", '{"rate": 0}', "optimizer.rate is 0: it must be a number above 0"),
    ("optimizer", '{"rte": 1}', "optimizer.rte is unknown: is optimizer.rate meant?"),
    ("optimizers", '[{}, {"rate": true}]', "optimizers.1.rate is True: it must be a number"),
    ("weights", '{"a": NaN}', "it must be a JSON object, each value a number"),
    ("weights", '{"a": true}', "it must be a JSON object, each value a number"),
    ("when", "20240131", "when is '20240131': it must be a date as ISO 8601 writes it or None"),
    ("at", 1e9, "it must be a datetime as ISO 8601 writes it or None"),
    ("at", "soon", "at is 'soon': it must be a valid datetime"),
    ("share", "half", "share is 'half': it must be a valid decimal"),
    ("folds", "1-x", "folds.1 is 'x': it must be a valid integer"),
    ("tree", "4", "tree is unknown: is trees meant?"),
    ("table", "[1, ", "table is '[1, ': invalid JSON"),
    ("named", "4", "named is unknown: is my_name meant?"),
    ("optimizer", '{"api_key": "open-ses', "optimizer is ***: it must be a JSON object"),
    ("optimizer", {"api_key": ["open-sesame"], "rate": 0}, "optimizer.rate is 0"),
    ("pins", "open-sesame", "pins is ***: it must be a JSON object, each value text"),
]


@pytest.mark.parametrize(("name", "given", "expected"), CONVERSIONS)
def test_a_value_takes_its_declared_type(name, given, expected):
    """Text becomes what the model declares; a validator that reads first gets the text."""
    field = "named" if name in ("my-name", "other") else name

    value = getattr(parse_hyperparameters(Model, {name: given}), field)

    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(("name", "given", "expected"), REFUSALS)
def test_a_refusal_says_what_would_be_right(name, given, expected):
    """One line with the way to the value, and no secret, neither by name nor by type."""
    with pytest.raises(HyperparameterError) as caught:
        parse_hyperparameters(Model, {name: given})

    assert expected in str(caught.value)
    assert "open-ses" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_all_problems_come_at_once():
    """Types, constraints and names, in the model and in what is in it; nothing comes twice."""
    values = {
        "trees": "ten",
        "tree": 1,
        "layers": [0, 0],
        "optimizer": {"rate": 0, "momentum": "much", "rte": 1},
        "optimizers": [{"rate": 0}, {"rat": 1}],
        "at": "soon",
    }

    with pytest.raises(HyperparameterError) as caught:
        parse_hyperparameters(Model, values)

    told = [problem.split(" is ")[0] for problem in caught.value.problems]
    assert sorted(told) == sorted([
        "trees", "tree", "layers", "optimizer.rate", "optimizer.momentum", "optimizer.rte",
        "optimizers.0.rate", "optimizers.1.rat", "at",
    ])  # fmt: skip


def test_a_validator_does_not_tell_a_secret():
    """What the user's own message says of a secret is masked."""
    with pytest.raises(HyperparameterError) as caught:
        parse_hyperparameters(Model, {"trees": "14", "pin": "open-sesame"})

    assert caught.value.problems == ("14 does not go with ***",)


class Required(BaseModel):
    target: str
    optimizer: Optimizer


def test_what_must_be_given_is_missed():
    """A field without a default is required."""
    with pytest.raises(HyperparameterError) as caught:
        parse_hyperparameters(Required, {})

    assert caught.value.problems == (
        "target is missing: it must be text",
        "optimizer is missing: it must be a JSON object with rate, momentum, api_key",
    )


def test_a_validator_may_supply_what_is_missing():
    """One that sees the whole model first."""

    class Supplied(Required):
        @model_validator(mode="before")
        @classmethod
        def _supply(cls, values: Any) -> Any:
            return {"target": "label", "optimizer": {}} | values

    assert parse_hyperparameters(Supplied, {}).target == "label"


@pytest.mark.parametrize("configuration", [{}, {"strict": True}])
def test_a_strict_model_takes_text_too(configuration):
    """SageMaker has nothing but text."""

    class Strict(BaseModel):
        model_config = ConfigDict(**configuration)

        trees: int = 1
        rates: tuple[float, ...] = ()
        kernel: Kernel = Kernel.LINEAR

    parsed = parse_hyperparameters(Strict, {"trees": "3", "rates": "1,2", "kernel": "rbf"})

    assert (parsed.trees, parsed.rates, parsed.kernel) == (3, (1.0, 2.0), Kernel.RADIAL)


def test_a_model_decides_about_other_names():
    """Where it says what becomes of them, they are no error; a model that is silent has none."""

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    class Deaf(BaseModel):
        model_config = ConfigDict(extra="ignore")

    class Silent(BaseModel):
        pass

    assert parse_hyperparameters(Open, {"more": "1"}).more == "1"
    assert parse_hyperparameters(Deaf, {"more": "1"}) == Deaf()
    with pytest.raises(HyperparameterError, match="more is unknown: there are none"):
        parse_hyperparameters(Silent, {"more": "1"})


def test_a_field_goes_by_its_name_as_well_where_the_model_says_so():
    """Beside its alias; the same value twice is one too many."""

    class Both(BaseModel):
        model_config = ConfigDict(populate_by_name=True)

        trees: int = Field(1, alias="n-trees")

    assert parse_hyperparameters(Both, {"trees": "3"}).trees == 3
    assert parse_hyperparameters(Both, {"n_trees": "3"}).trees == 3
    with pytest.raises(HyperparameterError, match="are the same hyperparameter, given twice"):
        parse_hyperparameters(Both, {"trees": "3", "n-trees": "3"})


@pydantic.dataclasses.dataclass(frozen=True)
class Class:
    trees: int = Field(100, ge=1)
    layers: list[int] = dataclasses.field(default_factory=lambda: [1])
    made: int = dataclasses.field(init=False, default=3)


def test_a_dataclass_of_pydantic_declares_alike():
    """With its limits, which a plain one would pass over."""
    assert parse_hyperparameters(Class, {"trees": "3"}) == Class(trees=3)
    with pytest.raises(HyperparameterError, match=r"^made is unknown.*; trees is '0': .* on$"):
        parse_hyperparameters(Class, {"trees": "0", "made": "1"})


@dataclasses.dataclass
class Plain:
    trees: int = Field(1, ge=1)
    depth: Annotated[int, Field(ge=1)] = 1


class Words(RootModel[list[str]]):
    pass


class Deep(BaseModel):
    depth: int = Field(1, validation_alias=AliasPath("a", "b"))


class Unknown(BaseModel):
    layout: NoSuchType = None  # noqa: F821


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (Plain, "trees says with pydantic what is allowed: make the class a BaseModel"),
        (Plain, "depth says with pydantic what is allowed"),
        (Words, "Words has no fields"),
        (BaseModel, "is no dataclass"),
        (Deep, "depth has no alias of one word"),
        (Unknown, "a type of Unknown is unknown: name 'NoSuchType' is not defined"),
    ],
)
def test_a_wrong_declaration_is_told(declared, expected):
    """It fails before any value is looked at."""
    with pytest.raises(HyperparameterError, match=expected):
        parse_hyperparameters(declared, {})


def test_a_declaration_is_a_table():
    """Type, allowed values, default and help of each; no secret's default, nor one in a model."""
    rows = {each.name: each.row for each in declared_hyperparameters(Model)}

    assert list(rows["trees"].values()) == ["trees", "int", "from 1 to 1000", "100", "how many"]
    assert rows["depth"]["type"] == "int or None"
    assert rows["depth"]["allowed"] == "from 1 on"
    assert rows["kind"]["allowed"] == "gini, entropy"
    assert [rows[name]["default"] for name in ("pin", "optimizer", "kernel")] == [
        "***",
        "***",
        "linear",
    ]


TYPES = {
    "whole": int,
    "number": float,
    "flag": bool,
    "text": str,
    "whole_or_none": int | None,
    "text_or_none": str | None,
    "wholes": list[int],
    "numbers": tuple[float, ...],
    "wholes_or_none": list[int | None],
    "choice": Literal["a", 1, None],
    "numbered": Literal[1, 2.5, True],
    "kernel": Kernel,
    "kernel_or_none": Kernel | None,
    "several": int | float | Literal["sqrt"] | None,
    "whole_or_text": int | str,
}
Ours = dataclasses.make_dataclass(
    "Ours", [(name, kind, hyperparameter(None)) for name, kind in TYPES.items()]
)
Theirs = pydantic.create_model("Theirs", **{name: (kind, None) for name, kind in TYPES.items()})
TEXTS = st.sampled_from([
    "10", "10.0", "1e3", "1e400", "nan", "-inf", "True", "yes", "on", "t", "no", "1", "0", "None",
    "", " ", '"10"', '"a"', '"', "a", "LINEAR", "rbf", "3", "[1, 2]", "[1, ", "[true]", "[NaN]",
    "1, 2", "1_000", "+5", " 7 ", "007", "2.5", "sqrt", "1.10", "[]", "[null]", "9" * 25,
]) | st.text(max_size=6) | st.integers().map(str) | st.floats().map(repr)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(TYPES)), value=VALUES)
def test_a_model_reads_what_a_dataclass_reads(name, value):
    """Of the types that both know, the same values come out, or the same refusal."""

    def outcome(declared: Any) -> Any:
        try:
            read = getattr(parse_hyperparameters(declared, {name: value}), name)
        except HyperparameterError as error:
            return str(error)
        return type(read), repr(read)

    assert outcome(Theirs) == outcome(Ours)


@given(value=st.floats())
def test_no_number_is_none(value):
    """What JSON has no word for is refused in a model, too."""
    if math.isfinite(value):
        assert parse_hyperparameters(Theirs, {"number": value}).number == value
    else:
        with pytest.raises(HyperparameterError):
            parse_hyperparameters(Theirs, {"number": value})


def test_pydantic_is_imported_for_its_own_alone():
    """A dataclass is read without it, installed or not."""
    program = (
        "import sys; sys.modules['pydantic'] = None\n"
        "from dataclasses import dataclass\n"
        "import training_entry\n"
        "@dataclass\n"
        "class Plain:\n"
        "    trees: int = training_entry.hyperparameter(1, least=1)\n"
        "print(training_entry.parse_hyperparameters(Plain, {'trees': '3'}))\n"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )

    assert done.stdout == "Plain(trees=3)\n"
