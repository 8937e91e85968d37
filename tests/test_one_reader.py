"""A channel of training data and a request are read by one rule."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import InvocationError
from handler.codecs import decode
from handler.invocation.model_input import conform
from training_entry import ChannelError, read_channel

CELL = st.sampled_from(
    ["0", "1", "2", "3.5", "-7", "2019", "a", "b", "label", "x y", "NA", "", "true", "é", '"q,r"']
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    width = draw(st.integers(2, 3))
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=2, max_size=4))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(map(",".join, rows)) + end * draw(st.integers(0, 1))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


def in_training(body: bytes) -> pd.DataFrame | None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "d.csv").write_bytes(body)
        try:
            return read_channel(folder=folder)
        except ChannelError:
            return None


def in_a_request(body: bytes) -> pd.DataFrame | None:
    try:
        return pd.DataFrame(conform(decode(body, "text/csv", None).data, None))
    except InvocationError:
        return None


@settings(deadline=None, max_examples=300)
@given(bodies())
def test_both_read_the_same_rows_and_names(body: bytes) -> None:
    """Where neither refuses: as many rows, the same names and numbers, the same gaps."""
    ours, theirs = in_a_request(body), in_training(body)

    if ours is not None and theirs is not None:
        assert list(ours.columns) == list(theirs.columns)
        np.testing.assert_array_equal(ours.isna(), theirs.isna())
        for (_, one), (_, other) in zip(ours.items(), theirs.items(), strict=True):
            if other.dtype.kind in "if":
                np.testing.assert_array_equal(one.astype(float), other.astype(float))
