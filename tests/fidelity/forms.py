"""The same rows in every form that a request can have."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sagemaker_training import recordio
from scipy import sparse

Body = tuple[bytes, str]
Form = Callable[[pd.DataFrame], Body]


def _json(document: Any) -> Body:
    return json.dumps(document).encode(), "application/json"


def _cells(table: pd.DataFrame) -> list[list[Any]]:
    return [
        [None if isinstance(cell, float) and cell != cell else cell for cell in row]
        for row in table.astype(object).to_numpy().tolist()
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    names = list(map(str, table.columns))
    return [dict(zip(names, row, strict=True)) for row in _cells(table)]


def _sorted_records(table: pd.DataFrame) -> Body:
    return json.dumps(_records(table), sort_keys=True).encode(), "application/json"


def _csv(table: pd.DataFrame) -> Body:
    return table.to_csv(index=False, header=False).encode(), "text/csv"


def _npy(table: pd.DataFrame) -> Body:
    file = io.BytesIO()
    np.save(file, table.to_numpy())
    return file.getvalue(), "application/x-npy"


def _npz(table: pd.DataFrame) -> Body:
    file = io.BytesIO()
    sparse.save_npz(file, sparse.csr_matrix(table.to_numpy(dtype=float)))
    return file.getvalue(), "application/x-npz"


def _parquet(table: pd.DataFrame) -> Body:
    file = io.BytesIO()
    table.set_axis(list(map(str, table.columns)), axis=1).to_parquet(file)
    return file.getvalue(), "application/x-parquet"


def _lines(rows: Sequence[Any]) -> Body:
    return "".join(json.dumps(row) + "\n" for row in rows).encode(), "application/jsonlines"


def _tensor(table: pd.DataFrame) -> Body:
    data = [cell for row in _cells(table) for cell in row]
    one = {"name": "x", "shape": list(table.shape), "datatype": "FP64", "data": data}
    return _json({"inputs": [one]})


def _libsvm(table: pd.DataFrame) -> Body:
    rows = table.to_numpy(dtype=float).tolist()
    lines = [" ".join(["0", *(f"{at}:{v!r}" for at, v in enumerate(row, start=1))]) for row in rows]
    return "\n".join(lines).encode(), "text/libsvm"


def _recordio(table: pd.DataFrame) -> Body:
    file = io.BytesIO()
    recordio._write_numpy_to_dense_tensor(file, table.to_numpy(dtype=float))
    return file.getvalue(), "application/x-recordio-protobuf"


def _sparse_recordio(table: pd.DataFrame) -> Body:
    file = io.BytesIO()
    recordio._write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix(table.to_numpy(dtype=float)))
    return file.getvalue(), "application/x-recordio-protobuf"


def _dense_features(table: pd.DataFrame) -> Body:
    return _lines([{"data": {"features": {"values": row}}} for row in _cells(table)])


def _sparse_features(table: pd.DataFrame) -> Body:
    rows = []
    for row in _cells(table):
        keys = [at for at, cell in enumerate(row) if cell != 0]
        rows.append({"keys": keys, "shape": [len(row)], "values": [row[at] for at in keys]})
    return _json({"instances": [{"data": {"features": row}} for row in rows]})


FORMS: dict[str, Form] = {
    "csv": _csv,
    "csv with names": lambda table: (table.to_csv(index=False).encode(), "text/csv"),
    "csv in reverse": lambda table: (table.iloc[:, ::-1].to_csv(index=False).encode(), "text/csv"),
    "lists": lambda table: _json(_cells(table)),
    "instances": lambda table: _json({"instances": _cells(table)}),
    "features": lambda table: _json({"instances": [{"features": row} for row in _cells(table)]}),
    "records": lambda table: _json(_records(table)),
    "sorted records": _sorted_records,
    "records in reverse": lambda table: _json(_records(table.iloc[:, ::-1])),
    "split": lambda table: _json(
        {"dataframe_split": {"columns": list(map(str, table.columns)), "data": _cells(table)}}
    ),
    "columns": lambda table: _json({n: list(c) for n, c in zip(
        map(str, table.columns), zip(*_cells(table), strict=True), strict=True
    )}),
    "lines": lambda table: _lines(_cells(table)),
    "lines of records": lambda table: _lines(_records(table)),
    "parquet": _parquet,
}  # fmt: skip
OF_NUMBERS: dict[str, Form] = {
    "npy": _npy, "npz": _npz, "libsvm": _libsvm, "tensor": _tensor, "recordio": _recordio,
    "sparse recordio": _sparse_recordio, "dense features": _dense_features,
    "sparse features": _sparse_features,
}  # fmt: skip
