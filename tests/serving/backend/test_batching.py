"""Answered together or alone: whatever comes at once, each gets the answer it gets by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.invocation.batching import Batcher
from handler.invocation.invocation_progress import Invocation
from handler.invocation.pipeline import Pipeline
from handler.invocation.request_types import Request
from tests.serving.backend import asking, pipelines

pytestmark = pytest.mark.usefixtures("one_thread")

by_chance = settings(deadline=None, max_examples=40)


def check(pipeline: Pipeline, requests: Sequence[Request]) -> None:
    """Answered together, each is answered as it is alone."""
    answers = Batcher(pipeline).answer([Invocation(request) for request in requests])

    for request, answer in zip(requests, answers, strict=True):
        asking.assert_same(answer, pipeline.invoke(request))


@pytest.mark.parametrize("name", pipelines.OF_NUMBERS)
@by_chance
@given(data=st.data())
def test_models_of_numbers(name: str, data: st.DataObject) -> None:
    """Rows in every content type, and between them what can't be read or the model refuses."""
    encoders = [*asking.NUMERIC, *[asking.as_sparse] * (name in pipelines.TAKE_SPARSE)]

    check(pipelines.of_numbers(name), data.draw(asking.requests(asking.tables(3), encoders)))


@pytest.mark.parametrize("name", pipelines.OF_TABLES)
@by_chance
@given(data=st.data())
def test_models_of_named_columns(name: str, data: st.DataObject) -> None:
    """Tables by name and by position, in any order, with text among the numbers."""
    if name == "named":
        rows, names = asking.tables(3), pipelines.NAMES
    else:
        rows, names = asking.mixed_tables(), pipelines.MIXED_NAMES
    encoders = [asking.as_csv, asking.as_json, asking.as_records(names), asking.as_named_csv(names)]

    check(pipelines.of_table(name), data.draw(asking.requests(rows, encoders)))


@by_chance
@given(st.data())
def test_models_of_texts(data: st.DataObject) -> None:
    """A vectorizer takes a vector of texts."""
    words = st.lists(st.sampled_from(["good", "sad", "unknown", "1"]), min_size=1, max_size=3)
    rows = st.lists(words.map(" ".join).map(lambda text: [text]), min_size=1, max_size=3)
    encoders = [asking.as_csv, asking.as_json]

    check(pipelines.of_texts(), data.draw(asking.requests(rows, encoders)))
