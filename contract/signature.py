"""What a model takes and returns: ``signature.json``, beside the model artifact.

Training writes it with one call, serving reads it to check requests, to map named columns
in any order, to document the endpoint and to compare versions. A model without the file
still serves: what scikit-learn itself recorded while fitting then stands in (fitted.py).
"""

from __future__ import annotations

import json
import logging
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from contract.atomic_write import write_whole
from contract.column_labels import label_from_json, label_to_json
from contract.columns import Column, Kind, columns_of, first_row, is_vector, plain_labels
from contract.errors import SignatureError
from contract.estimators.attributes import attribute
from contract.estimators.class_names import library_of
from contract.inference_output import asks_for_probabilities, words_of
from contract.library_configuration import changed_configuration, checked_configuration
from contract.missing_values import Missing
from contract.paths import Paths

logger = logging.getLogger(__name__)

Container = Literal["table", "array", "vector", "records", "lists"]
# What is done with columns that the model does not know.
Further = Literal["refuse", "drop", "pass"]
# What is found in the model each time, and stands in no file.
_FOUND = ("further", "believed")
_FOUND_OF_COLUMNS = ("unused", "may_be_missing", "texts", "unsure", "sample")

FILE_NAME = "signature.json"
FORMAT = 1
TRACKED_VERSIONS = ("scikit-learn", "numpy", "pandas", "joblib")


@dataclass(frozen=True)
class Signature:
    """What a model takes and returns.

    Args:
        inputs: the columns, in the order in which the model was fitted.
        container: what the model was fitted on: a ``table`` (data frame), an ``array`` of
            shape (rows, columns), a ``vector`` of shape (rows,), ``records`` of named values, or
            ``lists`` of words of any length; None goes by the names.
        outputs: the target's column or columns; empty if unknown.
        classes: the labels a classifier chooses from; empty for a regression.
        metrics: figures that training reported, by name.
        example: one row of training data, in the order of ``inputs``; empty if unknown.
        versions: the versions of Python and of the packages that the artifact depends on.
        configuration: what training changed of scikit-learn's global configuration.
        is_series: whether a ``vector`` was a series of pandas.
        is_sparse: whether an ``array`` was a sparse matrix, in which some models tell what is left
            out from zero; None if unknown.
        inference_output: what the endpoint answers for each row where no setting says otherwise, by
            the words of ``contract/inference_output.py``; none for what ``predict`` gives.
        further: what is done with further columns of a request; found in the model.
        believed: whether names and number of the columns are nothing to refuse by; likewise.
    """

    inputs: tuple[Column, ...]
    container: Container | None = None
    outputs: tuple[Column, ...] = ()
    classes: tuple[Any, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    example: tuple[Any, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    is_series: bool = False
    is_sparse: bool | None = None
    inference_output: tuple[str, ...] = ()
    further: Further = "refuse"
    believed: bool = False

    @property
    def describes_inputs(self) -> bool:
        """Whether it says anything of what the model takes."""
        return bool(self.inputs) or self.container in ("records", "lists")

    @cached_property
    def labels(self) -> tuple[Any, ...] | None:
        """What the columns were called in training; None where they were only numbered."""
        labels = tuple(
            column.name if column.label is None else column.label for column in self.inputs
        )
        return None if any(label is None for label in labels) else labels

    @cached_property
    def names(self) -> tuple[str, ...] | None:
        """The input names in fitting order, or None where the model knows positions only."""
        names = tuple(column.name for column in self.inputs if column.name is not None)
        return names if names and len(names) == len(self.inputs) else None

    @cached_property
    def plain_kind(self) -> Literal["any", "number"] | None:
        """What all inputs are, where they are nothing but numbers, or may be anything."""
        kinds = {column.kind for column in self.inputs}
        if not kinds:
            return None
        if kinds == {"any"}:
            return "any"
        return "number" if kinds <= {"any", "number"} else None

    @cached_property
    def is_unbounded(self) -> bool:
        """Whether an input was of Python's own numbers, of which whole ones have no bounds."""
        return any(
            column.dtype == "object" and column.kind in ("number", "any") for column in self.inputs
        )

    @cached_property
    def fitted_on(self) -> Container:
        """What to hand to the model."""
        return self.container or ("table" if self.names else "array")

    @classmethod
    def of_data(
        cls, model: object, X: Any, y: Any = None, metrics: Mapping[str, float] | None = None
    ) -> Signature:
        """The signature of a fitted model and the data it was fitted on.

        Args:
            model: the fitted model; asked only for ``classes_``.
            X: training data of shape (rows, columns), or (rows,) where the model takes one
                column as such: data frame, series, array, sparse matrix, lists.
            y: the target, of shape (rows,) or (rows, outputs).
            metrics: figures to keep with the model, by name.

        Raises:
            SignatureError: X has no columns, or a metric is not a number.
        """
        if library_of(type(X)) in ("polars", "pyarrow"):
            X = X.to_pandas()
        words = _words_in(X)
        return cls(
            inputs=() if words else columns_of(X),
            container=words or _container(X),
            outputs=_outputs_of(y),
            classes=plain_labels(attribute(model, "classes_")),
            metrics=_checked_metrics(metrics or {}),
            example=() if words else first_row(X),
            versions=installed_versions(),
            configuration=changed_configuration(),
            is_series=hasattr(X, "iloc") and not hasattr(X, "columns"),
            is_sparse=hasattr(X, "toarray"),
        )

    def to_json(self) -> str:
        """The text of ``signature.json``."""
        members = {"format": FORMAT, **asdict(self)}
        for name in _FOUND:
            del members[name]
        for column in (*members["inputs"], *members["outputs"]):
            column["label"] = label_to_json(column["label"])
            for name in _FOUND_OF_COLUMNS:
                del column[name]
        return json.dumps(members, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Signature:
        """The signature that a text holds.

        Raises:
            SignatureError: it is not JSON, or not of a format known here.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise SignatureError(f"it is not JSON: {error}") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise SignatureError(f'its "format" is not {FORMAT}')
        try:
            inputs = tuple(map(_column, document["inputs"]))
            container = document.get("container")
            if container not in (None, *get_args(Container)):
                raise ValueError(f"{container!r} is no container")
            return cls(
                inputs=inputs,
                container=container,
                outputs=tuple(map(_column, document.get("outputs", ()))),
                classes=tuple(
                    tuple(each) if isinstance(each, list) else each
                    for each in document.get("classes", ())
                ),
                metrics=dict(document.get("metrics", {})),
                example=tuple(document.get("example", ())),
                versions=dict(document.get("versions", {})),
                configuration=checked_configuration(document.get("configuration", {})),
                is_series=bool(document.get("is_series", False)),
                is_sparse=document.get("is_sparse"),
                inference_output=words_of(document.get("inference_output", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SignatureError(f"a member is missing or misshapen: {error!r}") from None

    def version_warnings(self) -> list[str]:
        """One sentence for each version that differs from training's in a way that may matter.

        scikit-learn promises nothing across versions for a saved model: another minor version
        is worth a warning, another major version is refused.

        Raises:
            SignatureError: the model was saved under another major version of scikit-learn.
        """
        warnings = []
        installed = installed_versions()
        for name, trained in self.versions.items():
            present = installed.get(name)
            if present is None or trained.split(".")[:2] == present.split(".")[:2]:
                continue
            sentence = f"the model was saved under {name} {trained}, and {name} {present} loads it"
            if name == "scikit-learn" and trained.split(".")[0] != present.split(".")[0]:
                raise SignatureError(
                    f"{sentence}: across major versions a saved model can't be trusted; "
                    f"install scikit-learn=={trained} or train again"
                )
            warnings.append(sentence)
        return warnings


def save_signature(
    model: object,
    X: Any,
    y: Any = None,
    *,
    metrics: Mapping[str, float] | None = None,
    inference_output: str | Sequence[str] = (),
    model_dir: str | os.PathLike[str] | None = None,
) -> Signature:
    """Write ``signature.json`` beside the model artifact: one line for a training script.

    Args:
        model: the fitted model.
        X: the data it was fitted on, before any step of a pipeline; shape (rows, columns).
        y: its target, shape (rows,) or (rows, outputs).
        metrics: figures to keep with the model, by name.
        inference_output: what the endpoint is to answer for each row, such as
            ``"predicted_label,probability"``; by default what ``predict`` gives.
        model_dir: the model directory; ``SM_MODEL_DIR``, as sagemaker-training sets it, if None.

    Raises:
        SignatureError: a metric is not a number, or `inference_output` has an unknown word.
    """
    figures = _checked_metrics(metrics or {})
    words = _checked_output(inference_output, model)
    try:
        signature = Signature.of_data(model, X, y, metrics)
    except Exception as error:  # a model that is trained is worth more than what is said of it
        logger.warning("what the model takes can't be described, so nothing is said: %s", error)
        labels = plain_labels(attribute(model, "classes_"))
        signature = Signature((), classes=labels, metrics=figures, versions=installed_versions())
    signature = replace(signature, inference_output=words)
    directory = Path(
        model_dir or os.environ.get("SM_MODEL_DIR") or Paths.from_environ(os.environ).model
    )
    write_whole(directory / FILE_NAME, signature.to_json())
    return signature


def load_signature(model_dir: str | os.PathLike[str]) -> Signature | None:
    """The signature beside a model artifact, or None where there is no such file.

    Raises:
        SignatureError: there is one, but it can't be read; the message names the file.
    """
    path = Path(model_dir) / FILE_NAME
    try:
        return Signature.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (SignatureError, OSError, UnicodeDecodeError) as error:
        raise SignatureError(f"{path} can't be used: {error}") from error


def installed_versions() -> dict[str, str]:
    """The versions in this environment of what a saved model depends on."""
    found = {name: _installed_version(name) for name in TRACKED_VERSIONS}
    versions = {"python": platform.python_version()}
    return versions | {name: version for name, version in found.items() if version is not None}


@cache
def _installed_version(name: str) -> str | None:
    """A package's version, which takes a millisecond to read; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _column(member: Mapping[str, Any]) -> Column:
    if member["kind"] not in get_args(Kind):
        raise ValueError(f"{member['kind']!r} is no kind of column")
    categories = member.get("categories")
    return Column(
        member["name"],
        member["kind"],
        member.get("dtype", ""),
        None if categories is None else tuple(categories),
        bool(member.get("ordered", False)),
        str(member.get("categories_dtype", "")),
        tuple(map(str, member.get("words", ()))),
        _missing(member.get("missing", "")),
        label_from_json(member.get("label")),
        bool(member.get("believed", False)),
    )


def _missing(value: Any) -> Missing:
    if value not in get_args(Missing):
        raise ValueError(f"{value!r} is nothing that stands for a missing value")
    return value  # type: ignore[no-any-return]


def _words_in(X: Any) -> Container | None:
    """Whether data are records of named values, or lists of words of unlike lengths."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        X = X.tolist()
    if not isinstance(X, list | tuple) or not X:
        return None
    if all(isinstance(row, Mapping) for row in X):
        return "records"
    lists = all(isinstance(row, list | tuple | set | frozenset) for row in X)
    return "lists" if lists and len({len(row) for row in X}) > 1 else None


def _outputs_of(y: Any) -> tuple[Column, ...]:
    try:
        return () if y is None else columns_of(y)
    except (SignatureError, TypeError, ValueError) as error:
        logger.warning("the target can't be described (%s), and is left out", error)
        return ()


def _container(X: Any) -> Container:
    if is_vector(X):
        return "vector"
    return "table" if hasattr(X, "columns") else "array"


def _checked_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    try:
        checked = {str(name): float(value) for name, value in metrics.items()}
    except (TypeError, ValueError):
        raise SignatureError(f"metrics must map names to numbers, not {metrics!r}") from None
    for name, value in checked.items():
        if not math.isfinite(value):
            raise SignatureError(f"metric {name!r} is {value}: not a finite number")
    return checked


def _checked_output(given: str | Sequence[str], model: object) -> tuple[str, ...]:
    try:
        words = words_of(given)
    except ValueError as error:
        raise SignatureError(f"inference_output must be {error}") from None
    if asks_for_probabilities(words) and attribute(model, "predict_proba") is None:
        logger.warning(
            "inference_output asks for %s, and a %s has no predict_proba: the endpoint will refuse "
            "to load it",
            ",".join(words),
            type(model).__name__,
        )
    return words
