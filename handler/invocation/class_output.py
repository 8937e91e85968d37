"""The default ``predict_fn`` of a classifier that answers probabilities, or labels with them.

What it gives is named, a series or a table of named columns, so that every content type says the
same, and rows of several requests joined do: ``predicted_label``, ``probability``, and for each
class ``probability_`` with the class's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from contract.columns import plain_labels
from contract.errors import PredictionFailed
from contract.estimators.attributes import attribute
from contract.inference_output import PREDICTED_LABEL, PROBABILITIES, PROBABILITY, VARIABLE
from contract.signature import Signature

Method = Callable[[Any], Any]
# Of two classes the second is the positive one, whose probability is told whichever is likelier.
_POSITIVE = 1


class ClassOutput:
    """What a classifier answers for rows, by words such as ``predicted_label``.

    Args:
        words: what is asked for, in the order of the answer's columns.
        classes: the classifier's labels, in the order of what ``predict_proba`` gives.
        predict: the classifier's method, or what gives the same faster.
        predict_proba: likewise.
        takes_columns: whether both take a table without a data frame around it.
    """

    def __init__(
        self,
        words: Sequence[str],
        classes: Sequence[Any],
        predict: Method,
        predict_proba: Method,
        *,
        takes_columns: bool,
    ) -> None:
        self.takes_columns = takes_columns
        self._words = tuple(words)
        self._classes = pd.Index(list(classes))
        self._names = pd.Index([f"{PROBABILITY}_{label}" for label in classes])
        self._predict = predict
        self._predict_proba = predict_proba
        # The first answer shows whether there is one label to a row, as the figures suppose.
        self._has_answered = False
        several = len(classes) > _POSITIVE + 1
        self._needs_labels = PREDICTED_LABEL in words or (PROBABILITY in words and several)

    def __call__(self, data: Any) -> Any:
        """A series for one figure to a row, else a table.

        Raises:
            PredictionFailed: the model gives no label and no figure of each class to each row.
        """
        labels = None
        if self._needs_labels or not self._has_answered:
            # Its own data for each method: a model's transformer may write to what it is given.
            labels = self._labels(self._predict(_copy_of(data)))
        figures = self._figures(self._predict_proba(data))
        self._has_answered = True
        if self._words == (PROBABILITY,):
            return pd.Series(self._one_of(figures, labels), name=PROBABILITY)
        if self._words == (PROBABILITIES,):
            return pd.DataFrame(figures, columns=self._names)
        columns: dict[str, Any] = {}
        for word in self._words:
            if word == PREDICTED_LABEL:
                columns[word] = labels
            elif word == PROBABILITY:
                columns[word] = self._one_of(figures, labels)
            else:
                columns.update(zip(self._names, figures.T, strict=True))
        return pd.DataFrame(columns)

    def _figures(self, given: Any) -> np.ndarray[Any, Any]:
        try:
            figures = np.asarray(given)
        except ValueError:  # of several outputs that differ in their classes
            figures = np.empty(0)
        if figures.ndim != 2 or figures.shape[1] != len(self._classes):
            raise PredictionFailed(
                f"predict_proba gives no figure for each of the {len(self._classes)} classes, "
                f"which {VARIABLE} asks for: write a predict_fn"
            )
        return figures

    def _labels(self, given: Any) -> np.ndarray[Any, Any]:
        labels = np.asarray(given)
        if labels.ndim == 2 and labels.shape[1] == 1:  # as catboost has them
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise PredictionFailed(
                f"predict gave several labels to a row (shape {labels.shape}), and {VARIABLE} asks "
                "for the probabilities of one: write a predict_fn"
            )
        return labels

    def _one_of(self, figures: Any, labels: Any) -> np.ndarray[Any, Any]:
        """The figure of the positive class; of more than two classes, that of the label."""
        if labels is None or len(self._classes) <= _POSITIVE + 1:
            return figures[:, min(_POSITIVE, len(self._classes) - 1)]  # type: ignore[no-any-return]
        places = self._classes.get_indexer(pd.Index(labels))
        if (places < 0).any():
            raise PredictionFailed(f"predict gave a label that is none of {list(self._classes)}")
        return figures[np.arange(len(figures)), places]  # type: ignore[no-any-return]


def _copy_of(data: Any) -> Any:
    if isinstance(data, np.ndarray):
        return data.copy(order="K")  # sums are made in the order of memory
    return data.copy() if hasattr(data, "copy") else data


def classes_of(model: Any, signature: Signature | None) -> tuple[Any, ...]:
    """A classifier's labels; those in its signature where it keeps none; none of anything else."""
    return plain_labels(attribute(model, "classes_")) or (signature.classes if signature else ())
