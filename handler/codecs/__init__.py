"""Bytes to data and predictions to bytes: one small file per content type.

To add a content type, write a file with a class like those beside it and add the class to
``ALL`` in all_content_types.py. Several of them share

    column_table.py      what was read as columns, and need not become a data frame
    expected_columns.py  what is known of a body's columns, by name or by position
    csv_layout.py        the header and the kinds of a CSV body's columns
    csv_rows.py          its rows, read one way or another; csv_cells.py: columns of cells as values
    json_rows.py         rows of JSON as values; json_features.py, tensors.py: of other servers;
                         json_pandas.py: in the orients of pandas
    whole_numbers.py     whole numbers that no float may change
    budget.py            what a body may hold and take, asked before anything is unpacked
    column_values.py     the type that a column had in training; dates.py: of dates and spans
    predictions.py       predictions as tables and arrays

The rule for a header, for missing words and for encodings is training's, too: csv_header.py,
csv_number_or_missing.py and text_encoding.py in contract/.
"""

from handler.codecs.accept_negotiation import negotiate
from handler.codecs.all_content_types import decode, encode, readable, writable
from handler.codecs.budget import Budget
from handler.codecs.codec import Decoded
from handler.codecs.media_types import MediaType, preferences

__all__ = [
    "Budget",
    "Decoded",
    "MediaType",
    "decode",
    "encode",
    "negotiate",
    "preferences",
    "readable",
    "writable",
]
