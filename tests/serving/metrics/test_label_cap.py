"""Which models have a name of their own: the most used, and no sum ever goes down."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from handler.metrics.figures import Figures
from handler.metrics.label_cap import LabelCap


def answered(**numbers: int) -> dict[str, Figures]:
    return {model: Figures(codes=Counter({"200": one})) for model, one in numbers.items()}


def told(cap: LabelCap, **numbers: int) -> dict[str, int]:
    return {label: one.invocations for label, one in cap.told(answered(**numbers)).items()}


def test_the_most_used_have_names() -> None:
    assert told(LabelCap(2), a=1, b=5, c=3, d=2) == {"b": 5, "c": 3, "other": 3}


def test_none_has_a_name_where_that_is_wanted() -> None:
    assert told(LabelCap(0), a=1, b=5) == {"other": 6}


def test_one_that_comes_to_be_used_more_takes_the_place_of_the_least_used() -> None:
    """What it had been told of under `other` stays there."""
    cap = LabelCap(2)
    assert told(cap, a=4, b=9, c=1) == {"a": 4, "b": 9, "other": 1}
    assert told(cap, a=4, b=9, c=8) == {"a": 4, "b": 9, "other": 8}  # not clearly more
    assert told(cap, a=4, b=9, c=10) == {"c": 2, "b": 9, "other": 8}
    assert told(cap, a=6, b=9, c=12) == {"c": 4, "b": 9, "other": 10}
    assert told(cap, a=60, b=9, c=12) == {"c": 4, "a": 58, "other": 10}


def test_a_model_called_other_is_one_of_the_others() -> None:
    assert told(LabelCap(1), other=9, a=1, b=1) == {"a": 1, "other": 10}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20)), max_size=40))
def test_no_sum_goes_down_and_nothing_is_told_twice(steps: list[tuple[str, int]]) -> None:
    cap, numbers, before = LabelCap(2), Counter[str](), Counter[str]()
    for model, more in steps:
        numbers[model] += more
        now = told(cap, **numbers)
        assert len(now) <= 3
        assert all(now[label] >= before[label] for label in now if label in before)
        assert sum(now.values()) <= numbers.total()
        before = Counter(now)
