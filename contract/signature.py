"""What a model takes and returns: ``signature.json``, beside the model artifact.

Training writes it with one call, serving reads it to check requests, to map named columns
in any order, to document the endpoint and to compare versions. A model without the file
still serves: what scikit-learn itself recorded while fitting (``feature_names_in_``,
``n_features_in_``, ``classes_``) then stands in, without types.

This module reads data frames by their shape alone (``columns``, ``dtypes``), so that it
needs no pandas.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from contract.errors import SignatureError
from contract.paths import Paths

FILE_NAME = "signature.json"
FORMAT = 1
TRACKED_VERSIONS = ("scikit-learn", "numpy", "pandas", "joblib")

Kind = Literal["number", "integer", "boolean", "string", "datetime", "any"]


@dataclass(frozen=True)
class Column:
    """One column that the model takes or returns.

    Args:
        name: the column's name, or None where the model was fitted on positions.
        kind: what its values are, in a request's terms; ``any`` is not checked.
        dtype: the numpy or pandas type it had in training, as text; empty if unknown.
    """

    name: str | None
    kind: Kind = "any"
    dtype: str = ""


@dataclass(frozen=True)
class Signature:
    """What a model takes and returns.

    Args:
        inputs: the columns, in the order in which the model was fitted.
        outputs: the target's column or columns; empty if unknown.
        classes: the labels a classifier chooses from; empty for a regression.
        metrics: figures that training reported, by name.
        example: one row of training data, in the order of ``inputs``; empty if unknown.
        versions: the versions of Python and of the packages that the artifact depends on.
    """

    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...] = ()
    classes: tuple[Any, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    example: tuple[Any, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The input names in fitting order, or None where the model knows positions only."""
        names = tuple(column.name for column in self.inputs if column.name is not None)
        return names if names and len(names) == len(self.inputs) else None

    @property
    def typed(self) -> bool:
        """Whether any input's kind is known, so that values can be checked against it."""
        return any(column.kind != "any" for column in self.inputs)

    @classmethod
    def of_data(
        cls, model: object, X: Any, y: Any = None, metrics: Mapping[str, float] | None = None
    ) -> Signature:
        """The signature of a fitted model and the data it was fitted on.

        Args:
            model: the fitted model; asked only for ``classes_``.
            X: training data of shape (rows, columns): data frame, array, sparse matrix, lists.
            y: the target, of shape (rows,) or (rows, outputs).
            metrics: figures to keep with the model, by name.

        Raises:
            SignatureError: X has no columns, or a metric is not a number.
        """
        return cls(
            inputs=_columns_of(X),
            outputs=() if y is None else _columns_of(y),
            classes=tuple(_plain(label) for label in _flat(getattr(model, "classes_", ()))),
            metrics=_checked_metrics(metrics or {}),
            example=_first_row(X),
            versions=installed_versions(),
        )

    @classmethod
    def of_model(cls, model: object) -> Signature | None:
        """What scikit-learn recorded in a fitted model, or None if it recorded nothing."""
        names = getattr(model, "feature_names_in_", None)
        width = getattr(model, "n_features_in_", None)
        if names is not None:
            inputs = tuple(Column(str(name)) for name in names)
        elif width is not None:
            inputs = (Column(None),) * int(width)
        else:
            return None
        classes = tuple(_plain(label) for label in _flat(getattr(model, "classes_", ())))
        return cls(inputs=inputs, classes=classes)

    def to_json(self) -> str:
        """The text of ``signature.json``."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, allow_nan=False) + "\n"

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
            return cls(
                inputs=tuple(map(_column, document["inputs"])),
                outputs=tuple(map(_column, document.get("outputs", ()))),
                classes=tuple(document.get("classes", ())),
                metrics=dict(document.get("metrics", {})),
                example=tuple(document.get("example", ())),
                versions=dict(document.get("versions", {})),
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
    model_dir: str | os.PathLike[str] | None = None,
) -> Signature:
    """Write ``signature.json`` beside the model artifact: one line for a training script.

    Args:
        model: the fitted model.
        X: the data it was fitted on, before any step of a pipeline; shape (rows, columns).
        y: its target, shape (rows,) or (rows, outputs).
        metrics: figures to keep with the model, by name.
        model_dir: the model directory; ``SM_MODEL_DIR``, as sagemaker-training sets it, if None.

    Raises:
        SignatureError: X has no columns, or a metric is not a number.
    """
    signature = Signature.of_data(model, X, y, metrics)
    directory = Path(
        model_dir or os.environ.get("SM_MODEL_DIR") or Paths.from_environ(os.environ).model
    )
    # Written whole or not at all: a job stopped midway must not leave half a file to serve from.
    partial = directory / f".{FILE_NAME}.partial"
    partial.write_text(signature.to_json(), encoding="utf-8")
    partial.replace(directory / FILE_NAME)
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
    versions = {"python": platform.python_version()}
    for name in TRACKED_VERSIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _column(member: Mapping[str, Any]) -> Column:
    if member["kind"] not in get_args(Kind):
        raise ValueError(f"{member['kind']!r} is no kind of column")
    return Column(member["name"], member["kind"], member.get("dtype", ""))


def _columns_of(data: Any) -> tuple[Column, ...]:
    """The columns of a data frame, a series, an array, a sparse matrix or nested lists."""
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        return tuple(
            Column(str(name), _kind_of(data[name]), str(data[name].dtype)) for name in data.columns
        )
    if hasattr(data, "name") and hasattr(data, "dtype"):
        name = None if data.name is None else str(data.name)
        return (Column(name, _kind_of(data), str(data.dtype)),)
    array = data if hasattr(data, "shape") else np.asarray(data)
    width = 1 if len(array.shape) == 1 else array.shape[1] if len(array.shape) == 2 else 0
    if not width:
        raise SignatureError(f"data of shape {array.shape} has no columns to describe")
    return (Column(None, _kind_of(array), str(array.dtype)),) * int(width)


def _kind_of(values: Any) -> Kind:
    """The kind of a column's values, by type; by the values themselves where the type is object."""
    dtype = values.dtype
    if hasattr(dtype, "categories"):
        return _kind_of(dtype.categories)
    code = getattr(dtype, "kind", "O")
    if code != "O":
        by_code: dict[str, Kind] = {
            "f": "number",
            "i": "integer",
            "u": "integer",
            "b": "boolean",
            "M": "datetime",
            "U": "string",
            "S": "string",
        }
        return by_code.get(code, "any")
    present = {type(value) for value in _flat(values) if value is not None and value == value}
    if present and all(issubclass(kind, str) for kind in present):
        return "string"
    if present and all(issubclass(kind, bool | np.bool_) for kind in present):
        return "boolean"
    if present and all(issubclass(kind, int | float | np.number) for kind in present):
        return "number"
    return "any"


def _flat(values: Any) -> Iterable[Any]:
    return np.asarray(values, dtype=object).ravel()


def _first_row(X: Any) -> tuple[Any, ...]:
    if hasattr(X, "iloc"):
        return tuple(_plain(X[name].iloc[0]) for name in X.columns) if len(X) else ()
    if hasattr(X, "toarray"):
        X = X[:1].toarray()
    rows = np.asarray(X)
    if not len(rows):
        return ()
    return tuple(_plain(value) for value in np.atleast_1d(rows[0]))


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; None for what stands for a missing value."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value) if value == value else None


def _checked_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    try:
        checked = {str(name): float(value) for name, value in metrics.items()}
    except (TypeError, ValueError):
        raise SignatureError(f"metrics must map names to numbers, not {metrics!r}") from None
    for name, value in checked.items():
        if not math.isfinite(value):
            raise SignatureError(f"metric {name!r} is {value}: not a finite number")
    return checked
