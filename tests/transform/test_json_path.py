"""The operators of SageMaker's filters, and no others."""

from __future__ import annotations

import pytest

from byo.command_errors import UsageError
from byo.transform.json_path import JsonPath, NothingThere

RECORD = {"id": 7, "f": {"a": [1, 2, 3], "b": "x"}, "list": [{"n": 1}, {"n": 2}]}


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("$", RECORD),
        ("$.id", 7),
        ("$['id']", 7),
        ("$.f.a", [1, 2, 3]),
        ("$.f.['a','b']", RECORD["f"]),
        ("$['id','f']", {"id": 7, "f": RECORD["f"]}),
        ("$.f.a[0]", 1),
        ("$.f.a[-1]", 3),
        ("$.f.a[0,-1]", [1, 3]),
        ("$.f.a[2, 0]", [3, 1]),
        ("$.f.a[1:]", [2, 3]),
        ("$.f.a[:2]", [1, 2]),
        ("$.f.a[-2:]", [2, 3]),
        ("$.f.a[0,1:]", [1, 2, 3]),
        ("$.f.*", [[1, 2, 3], "x"]),
        ("$.f.a[*]", [1, 2, 3]),
        ("$.list[1].n", 2),
    ],
)
def test_what_a_path_chooses(path, chosen):
    """A name or a number gives a value, everything else keeps the shape."""
    assert JsonPath.parse(path).choose(RECORD) == chosen


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("$.none", "no member 'none'"),
        ("$['id','none']", "no member 'none'"),
        ("$.f.a[3]", "index 3 is outside of 3 values"),
        ("$.f.a[-4]", "index -4 is outside of 3 values"),
        ("$.f.a[3:]", "index 3 is outside of 3 values"),
        ("$.f.a[0:4]", "index 4 is outside of 3 values"),
        ("$[0]", "a number is asked of an object"),
        ("$.id.x", "'x' is asked of a number"),
        ("$.id.*", r"\* is asked of a number"),
    ],
)
def test_what_is_not_there_is_an_error(path, words):
    """As SageMaker has it."""
    with pytest.raises(NothingThere, match=words):
        JsonPath.parse(path).choose(RECORD)


@pytest.mark.parametrize(
    "path",
    ["", "a", "x.$", "$x", "$..a", "$[?(@.a>1)]", "$[0:4:2]", "$[]", "$[,]", "$[-]", "$['a',]",
     "$[a]", '$["a"]', "$.a[", "$.a['b','c.d'].length()"],
)  # fmt: skip
def test_other_operators_are_refused(path):
    """SageMaker would refuse the job."""
    with pytest.raises(UsageError, match="JSONPath"):
        JsonPath.parse(path)


def test_a_path_has_63_characters_at_most():
    """The bound of the API."""
    JsonPath.parse("$." + "a" * 61)
    with pytest.raises(UsageError, match="64 characters"):
        JsonPath.parse("$." + "a" * 62)
