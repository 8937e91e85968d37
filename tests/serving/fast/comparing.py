"""The short way beside the library's: the same bytes, and the library is not asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from handler.invocation.fast.shortcut import TRIALS, Shortcut, shortcuts_to


@contextmanager
def library_forbidden(shortcut: Shortcut) -> Iterator[None]:
    """While this lasts, a shortcut that asks the library fails."""

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("the library was asked")

    asked, shortcut._predict = shortcut._predict, forbidden
    try:
        yield
    finally:
        shortcut._predict = asked


def assert_same(given: Any, expected: Any) -> None:
    assert type(given) is type(expected)
    assert given.dtype == expected.dtype
    assert given.shape == expected.shape
    if given.dtype == object:
        assert given.tolist() == expected.tolist()
    else:
        assert given.tobytes() == expected.tobytes()


def warmed(shortcut: Callable[[Any], Any], batches: Sequence[Any]) -> None:
    """Have a shortcut compared as often as it wants to be."""
    for _ in range(TRIALS):
        for batch in batches:
            shortcut(batch)


def compare(model: Any, batches: Sequence[Any], methods: Sequence[str]) -> None:
    """Check that just these methods of a model have a short way, and that it gives the same."""
    shortcuts = shortcuts_to(model)
    assert set(shortcuts) == set(methods)
    for name, shortcut in shortcuts.items():
        expected = [getattr(model, name)(batch) for batch in batches]
        warmed(shortcut, batches)
        with library_forbidden(shortcut):
            for batch, answer in zip(batches, expected, strict=True):
                assert_same(shortcut(batch), answer)


def slices(data: Any) -> list[Any]:
    """One row, two, some and 256."""
    return [data[:1], data[7:9], data[20:37], data[:256]]


def gaps(array: np.ndarray, share: float = 0.2) -> np.ndarray:
    """An array some of whose values are missing."""
    holes = np.random.default_rng(0).random(array.shape) < share
    return np.where(holes, np.nan, array)
