"""Decision trees and forests.

A call of one tree costs more than its way down for one row. So the trees of a forest are put into
one: above their roots, further nodes lead from a number, which each row gets as one more column,
to the tree of that number. One call of the library's compiled code then answers for all trees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handler.invocation.fast.estimators import Methods, Survey, known
from handler.invocation.fast.linear import with_logarithm
from handler.invocation.fast.values import Array, Compute, Values, single

# A forest that takes more than this stays as it is: all of it is held once more.
MOST_BYTES = 64 * 1024**2
# For more cells than this, one call for each tree is the cheaper way.
MOST_CELLS = 250_000


@known("tree._classes.DecisionTreeClassifier", "tree._classes.ExtraTreeClassifier")
def _tree_classifier(model: Any, survey: Survey) -> Methods:
    tree, classes, width = tree_of(model).predict, model.classes_, model.n_classes_
    methods: Methods = {
        "predict": lambda values: classes.take(tree(single(values)).argmax(axis=1), axis=0)
    }
    return with_logarithm(methods, lambda values: tree(single(values))[:, :width])


@known("tree._classes.DecisionTreeRegressor", "tree._classes.ExtraTreeRegressor")
def _tree_regressor(model: Any, survey: Survey) -> Methods:
    tree, is_one = model.tree_.predict, model.n_outputs_ == 1

    def predict(values: Values) -> Array:
        found = tree(single(values))
        return found[:, 0] if is_one else found[:, :, 0]  # type: ignore[no-any-return]

    return {"predict": predict}


@known("ensemble._forest.RandomForestClassifier", "ensemble._forest.ExtraTreesClassifier")
def _forest_classifier(model: Any, survey: Survey) -> Methods:
    trees = [tree_of(one) for one in model.estimators_]
    mean, classes = _mean_of_trees(trees, model.n_classes_), model.classes_
    methods: Methods = {"predict": lambda values: classes.take(mean(values).argmax(axis=1), axis=0)}
    return with_logarithm(methods, mean)


@known("ensemble._forest.RandomForestRegressor", "ensemble._forest.ExtraTreesRegressor")
def _forest_regressor(model: Any, survey: Survey) -> Methods:
    mean = _mean_of_trees([one.tree_ for one in model.estimators_], model.n_outputs_)
    if model.n_outputs_ > 1:
        return {"predict": mean}
    return {"predict": lambda values: mean(values)[:, 0]}


def tree_of(model: Any) -> Any:
    """The compiled tree of a decision tree of one output."""
    if model.n_outputs_ != 1:
        raise LookupError
    return model.tree_


def _mean_of_trees(trees: Sequence[Any], width: int) -> Compute:
    """What the trees say on average: an array of shape (rows, width)."""
    every = every_tree(trees)

    def mean(values: Values) -> Array:
        numbers = single(values)
        found = every(numbers)
        if found is not None:
            return running_sum(found) / len(trees)
        total = np.zeros((len(numbers), width))
        for tree in trees:
            total += tree.predict(numbers).reshape(-1, width)
        return total / len(trees)

    return mean


def running_sum(parts: Array) -> Array:
    """The sum over the first axis, strictly one after the other, beginning with nothing."""
    return np.add.accumulate(parts, axis=0)[-1] + 0.0  # type: ignore[no-any-return]


def every_tree(
    trees: Sequence[Any], values: Sequence[Array] | None = None
) -> Callable[[Array], Array | None]:
    """What each tree says for each row: an array of shape (trees, rows, values of a tree).

    Where that would be too much at once, there is None.

    Args:
        trees: the compiled trees.
        values: what to say in place of the trees' own values, for each node of each tree.
    """
    one = _as_one(trees, values)
    numbers = np.arange(len(trees), dtype=np.float32)[:, np.newaxis]

    def together(values: Array) -> Array | None:
        rows, columns = values.shape
        if one is None:
            return None
        width = max(columns, one.max_n_classes * one.n_outputs)
        if rows * width * len(trees) > MOST_CELLS:
            return None
        cells = np.empty((len(trees), rows, columns + 1), dtype=np.float32)
        cells[:, :, :-1] = values
        cells[:, :, -1] = numbers
        found = one.predict(cells.reshape(-1, columns + 1))
        return found.reshape(len(trees), rows, -1)  # type: ignore[no-any-return]

    return together


def _as_one(trees: Sequence[Any], replaced: Sequence[Array] | None) -> Any:
    """A tree that has all of them below it; None if it would be too large."""
    states = [tree.__getstate__() for tree in trees]
    each = replaced or [state["values"] for state in states]
    count = len(trees) - 1
    size = sum(
        state["nodes"].nbytes + part.nbytes for state, part in zip(states, each, strict=True)
    )
    if size > MOST_BYTES:
        return None
    first = trees[0]
    leads = np.zeros(count, dtype=states[0]["nodes"].dtype)
    starts, nodes = joined(leads, [state["nodes"] for state in states], "left_child", "right_child")
    lead(nodes, starts, "feature", "threshold", first.n_features, "left_child", "right_child")
    values = np.concatenate([np.zeros((count, *each[0].shape[1:])), *each])
    joint = type(first)(first.n_features + 1, np.asarray(first.n_classes), first.n_outputs)
    joint.__setstate__(
        {
            **states[0],
            "max_depth": max(state["max_depth"] for state in states) + len(trees).bit_length(),
            "node_count": len(nodes),
            "nodes": nodes,
            "values": values,
        }
    )
    return joint


def joined(
    leads: Array, parts: Sequence[Array], left: str, right: str
) -> tuple[Sequence[int], Array]:
    """Nodes of several trees in one array behind some others, and where each tree begins."""
    nodes = np.concatenate([leads, *parts])
    starts = np.cumsum([len(leads), *(len(part) for part in parts[:-1])]).tolist()
    for start, part in zip(starts, parts, strict=True):
        own = nodes[start : start + len(part)]
        inner = (
            part[left] != part.dtype[left].type(-1) if part.dtype[left].kind == "i" else slice(None)
        )
        own[left][inner] += part.dtype[left].type(start)
        own[right][inner] += part.dtype[right].type(start)
    return starts, nodes


def lead(
    nodes: Array,
    starts: Sequence[int],
    feature: str,
    threshold: str,
    column: int,
    left: str,
    right: str,
) -> None:
    """Fill the first nodes so that a number in a column leads to the tree of that number."""
    free = iter(range(len(starts) - 1))

    def between(low: int, high: int) -> int:
        if high - low == 1:
            return starts[low]
        node, middle = next(free), (low + high) // 2
        nodes[feature][node] = column
        nodes[threshold][node] = middle - 0.5
        nodes[left][node] = between(low, middle)
        nodes[right][node] = between(middle, high)
        return node

    between(0, len(starts))
