"""The forms that rows take in a JSON document, as clients of various servers write them."""

from __future__ import annotations

from typing import Any

from contract.errors import MalformedPayload
from contract.signature import Signature
from handler.codecs.budget import Budget
from handler.codecs.charset import quote
from handler.codecs.codec import Decoded, Envelope
from handler.codecs.json_features import is_wrapped
from handler.codecs.json_pandas import is_split, name_of, nested, rows_of_table
from handler.codecs.json_rows import check_distinct, table, to_data
from handler.codecs.tensors import answer_to, is_of_tensors, read_tensors

INSTANCES = "instances"
SPLIT, RECORDS, INPUTS = "dataframe_split", "dataframe_records", "inputs"
READ_FORMS = (
    'a list of rows, {"instances": [...]}, a record or a list of records, '
    'columns by name ({"a": [...], "b": [...]}), each orient of pandas\' to_json, '
    '{"dataframe_split": ...}, {"dataframe_records": ...} and {"inputs": ...} are read'
)


def read_document(document: Any, signature: Signature | None, budget: Budget) -> Decoded:
    """The data in a JSON document, in whichever form it is.

    Raises:
        MalformedPayload: it is in none of the forms.
        UnprocessablePayload: it is, but records have unlike keys or a cell is no single value.
    """
    if isinstance(document, list):
        return Decoded(read_rows(document, signature, budget))
    if not isinstance(document, dict):
        raise MalformedPayload(f"the document is {quote(document)}; {READ_FORMS}")
    names = set(signature.names or ()) if signature else set()
    if INSTANCES in document and INSTANCES not in names:
        instances = document[INSTANCES]
        rows = [instances] if isinstance(instances, dict) else _listed(instances, INSTANCES)
        return Decoded(read_rows(rows, signature, budget), envelope=INSTANCES)
    envelope = _envelope_of(document, names)
    return Decoded(_read_object(document, names, signature, budget), envelope=envelope)


def _envelope_of(document: dict[str, Any], names: set[str]) -> Envelope | None:
    """The form that the answer should have: MLflow's predictions, or the tensors of V2."""
    members = document.keys() - names
    if INPUTS in members and is_of_tensors(document[INPUTS]):
        return answer_to(document)
    return next((member for member in (SPLIT, RECORDS, INPUTS) if member in members), None)


def read_rows(rows: list[Any], signature: Signature | None, budget: Budget) -> Any:
    """Rows, or one flat list: a single row, or a row per value if the model takes one column."""
    if rows and not any(isinstance(row, list | dict) for row in rows):
        return to_data(_unflatten(rows, signature), signature, budget)
    return to_data(rows, signature, budget)


def _read_object(
    document: dict[str, Any], names: set[str], signature: Signature | None, budget: Budget
) -> Any:
    members = document.keys() - names
    if signature and signature.container == "records" and _is_one_record(document):
        return to_data([document], signature, budget)
    if SPLIT in members:
        return _read_split(document[SPLIT], signature, f'"{SPLIT}"', budget)
    if RECORDS in members:
        records = document[RECORDS]
        rows = [records] if isinstance(records, dict) else _listed(records, RECORDS)
        return read_rows(rows, signature, budget)
    if INPUTS in members:
        return _read_inputs(document[INPUTS], signature, budget)
    if is_split(document, names):
        return _read_split(document, signature, "the document", budget)
    return _read_bare(document, names, signature, budget)


def _read_bare(
    document: dict[str, Any], names: set[str], signature: Signature | None, budget: Budget
) -> Any:
    """A document that is one row, or a table by its columns or its rows."""
    if (rows := rows_of_table(document, names)) is not None:
        return read_rows(rows, signature, budget)
    if is_wrapped(document, names) or _holds_single_values(document):
        return to_data([document], signature, budget)
    if _is_listed_by_column(document):
        return _read_columns(document, "the document", signature, budget)
    if (columns := nested(document, signature)) is not None:
        return _read_columns(columns, "the document", signature, budget)
    raise MalformedPayload(f"the document is an object of an unknown form; {READ_FORMS}")


def _read_split(split: Any, signature: Signature | None, place: str, budget: Budget) -> Any:
    """What pandas' ``to_json(orient="split")`` and ``to_dict("split")`` write."""
    if not isinstance(split, dict) or "data" not in split:
        raise MalformedPayload(f'{place} must be an object with "columns" and "data"')
    rows = _listed(split["data"], "data")
    columns = split.get("columns")
    if columns is None:
        return read_rows(rows, signature, budget)
    names = [name_of(name) for name in _listed(columns, "columns")]
    check_distinct(names)
    if rows and not all(isinstance(row, list) for row in rows):
        raise MalformedPayload('"data" must be a list of rows, each a list of values')
    if not rows:
        return table([()] * len(names), names, None, budget)
    return to_data(rows, signature, budget, names)


def _read_inputs(inputs: Any, signature: Signature | None, budget: Budget) -> Any:
    """MLflow's rows, records or columns by name, or the tensors of the V2 inference protocol."""
    if isinstance(inputs, dict) and _holds_single_values(inputs):
        return to_data([inputs], signature, budget)
    if isinstance(inputs, dict):
        return _read_columns(inputs, f'"{INPUTS}"', signature, budget)
    if is_of_tensors(inputs):
        return read_tensors(inputs, signature, budget)
    return read_rows(_listed(inputs, INPUTS), signature, budget)


def _is_one_record(document: dict[str, Any]) -> bool:
    """Whether it is a record that may hold a list of words, rather than columns or an envelope."""
    single = [value for value in document.values() if not isinstance(value, list | dict)]
    return bool(single) and not document.keys() & {SPLIT, RECORDS, INPUTS}


def _holds_single_values(document: dict[str, Any]) -> bool:
    return not any(isinstance(value, list | dict) for value in document.values())


def _is_listed_by_column(document: dict[str, Any]) -> bool:
    """Whether it is what pandas' ``to_dict("list")`` makes: a list of single values by name."""
    return all(
        isinstance(column, list) and not (column and isinstance(column[0], list | dict))
        for column in document.values()
    )


def _read_columns(
    columns: dict[str, Any], place: str, signature: Signature | None, budget: Budget
) -> Any:
    if not columns:
        raise MalformedPayload(f"{place} is an object without members; {READ_FORMS}")
    values = [_listed(column, name) for name, column in columns.items()]
    if len(set(map(len, values))) > 1:
        raise MalformedPayload(f"the columns of {place} differ in length")
    rows = [list(row) for row in zip(*values, strict=True)]
    names = list(columns)
    return to_data(rows, signature, budget, names) if rows else table(values, names, None, budget)


def _unflatten(values: list[Any], signature: Signature | None) -> list[list[Any]]:
    if signature and (len(signature.inputs) == 1 or _are_texts_alone(values, signature)):
        return [[value] for value in values]
    if signature is None and all(isinstance(value, str) for value in values):
        return [[value] for value in values]  # Of texts alone, each is likelier a row than a cell.
    return [values]


def _listed(value: Any, member: str) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedPayload(f"{quote(member)} must be a list; {READ_FORMS}")
    return value


def _are_texts_alone(values: list[Any], signature: Signature) -> bool:
    """Whether values are texts, and another number of them than what is only believed of rows."""
    unlike = signature.believed and signature.names is None and len(values) != len(signature.inputs)
    return unlike and all(isinstance(value, str) for value in values)
