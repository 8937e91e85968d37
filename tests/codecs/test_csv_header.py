"""Whether a CSV body starts with a header, and with what its cells are separated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from contract.columns import Column
from contract.signature import Signature
from handler.codecs import MediaType, csv_layout
from handler.codecs.csv_layout import find_layout
from handler.codecs.csv_rows import split_rows

from .samples import NUMBERS, POSITIONS, refusal, take

CSV = MediaType.parse("text/csv")
TEXTS = Signature((Column(None, "string", "object"),) * 2)
YEARS = Signature((Column("2023", "number", "float64"), Column("2024", "number", "float64")))
UNKNOWN = Signature((Column(None),) * 2)
PASSENGER = Signature((Column("Sex", "string", "object"), Column("Ticket", "string", "object")))
TEXT = Signature((Column("text", "string", "object"),))
PLAIN = Signature((Column("x"), Column("y"), Column("z"), Column("w")))
FLAGGED = Signature(
    (
        Column("a", "number", "float64"),
        Column("b", "boolean", "bool"),
        Column("c", "string", "object"),
        Column("f", "integer", "int64"),
    )
)
NUMBERED = Signature(tuple(Column(str(position), "number", "float64") for position in range(4)))
FLAGS = Signature((Column("0", "integer", "int64"), Column("1", "integer", "int64")))
PLAIN_POSITIONS = Signature((Column(None),) * 4)
FOUR = Signature((Column(None, "number", "float64"),) * 4)


@pytest.mark.parametrize(
    ("content_type", "text", "signature", "header"),
    [
        ("text/csv; header=present", "1,2,3\n4,5,6", POSITIONS, True),
        ("text/csv; header=absent", "a,b,c\n4,5,6", None, False),
        ('text/csv;HEADER="Present"', "1,2\n4,5", None, True),
        # Names are known: most of the cells are names, or one is and none can be a value.
        ("text/csv", "a,b,c\n1,2,3", NUMBERS, True),
        ("text/csv", "c,x,y\n1,2,3", NUMBERS, True),
        ("text/csv", " a , b , c \n1,2,3", NUMBERS, True),
        ("text/csv", "x,y,z\n1,2,3", NUMBERS, True),
        ("text/csv", "1,2,3\n4,5,6", NUMBERS, False),
        ("text/csv", "x,NA,1,q\n1,2,3,4", PLAIN, False),
        ("text/csv", "x,y,z,q\n1,2,3,4", PLAIN, True),
        ("text/csv", "x,y,p,q\n1,2,3,4", PLAIN, True),
        ("text/csv", "1,true,c,1", FLAGGED, False),
        ("text/csv", "a,b,c,1\n1,true,c,1", FLAGGED, False),
        ("text/csv", "NA,true,c,NA", FLAGGED, False),
        ("text/csv", "A,open,text,count\n1,true,c,1", FLAGGED, True),
        # Case and spaces make no difference.
        ("text/csv", "SEX,Ticket\nfemale,113", PASSENGER, True),
        ("text/csv", " TICKET , sex\n113,female", PASSENGER, True),
        ("text/csv", "female,sex\nmale,113", PASSENGER, False),
        ("text/csv", "Text\nhello", TEXT, True),
        # Names that look like numbers: only all of them are a header, above a row unlike them.
        ("text/csv", "2023,2024\n1,2", YEARS, True),
        ("text/csv", "2023,5\n1,2", YEARS, False),
        ("text/csv", "2024,2023\n1,2", YEARS, True),
        ("text/csv", "2024,2023\n2023,2024", YEARS, False),
        ("text/csv", "3,1,0,2", NUMBERED, False),
        ("text/csv", "3,1,0,0\n4,5,6,7", NUMBERED, False),
        # Numbers are a row, and be it what pandas writes above columns without names.
        ("text/csv", "0,1,2,3\n5.1,3.5,1.4,0.2", FOUR, False),
        ("text/csv", "0,1,2,3\n5.1,3.5,1.4,0.2", None, False),
        ("text/csv", "0,1,2,3\n5.1,3.5,1.4,0.2", PLAIN, False),
        ("text/csv", "0,1,2,3\n1,0,0,1", FOUR, False),
        ("text/csv", "0,1,2,3", FOUR, False),
        ("text/csv", "0,1,2,3\n0,1,2,3", FOUR, False),
        ("text/csv", "0,1,2,3\n4,5,6,7", FOUR, False),
        ("text/csv", "0,1,3,2\n5.1,3.5,1.4,0.2", FOUR, False),
        ("text/csv", "0,1\n1,1", UNKNOWN, False),
        ("text/csv", "0,1\n1,7", UNKNOWN, False),
        ("text/csv", "0\n5", None, False),
        # No names are known.
        ("text/csv", "x,y,z\n1,2,3", POSITIONS, True),
        ("text/csv", "x,y,3\n1,2,3", POSITIONS, False),
        ("text/csv", "x,y\n1,q", None, True),
        ("text/csv", "x,y\np,q", None, False),
        ("text/csv", "x,y", None, False),
        ("text/csv", "x,y\np,1", UNKNOWN, True),
        ("text/csv", "x,y\np,q", TEXTS, False),
        ("text/csv", ",\n1,2", POSITIONS, False),
        ("text/csv", "1,2\nx,y", None, False),
    ],
)
def test_header_detection(
    content_type: str, text: str, signature: Signature | None, header: bool
) -> None:
    """The parameter decides, then the model's names, then where text and numbers stand."""
    assert (
        find_layout(list(split_rows(text)), MediaType.parse(content_type), signature).header
        is header
    )


@pytest.mark.parametrize("signature", [FOUR, NUMBERED, PLAIN, None])
@pytest.mark.parametrize("rows", [1, 5_000])
def test_an_array_that_pandas_wrote_is_read_if_it_is_said(
    rows: int, signature: Signature | None
) -> None:
    """The numbers above its columns are neither a row nor names that the model lacks."""
    array = np.random.default_rng(0).normal(size=(rows, 4))
    body = pd.DataFrame(array).to_csv(index=False).encode()

    taken = take(body, "text/csv; header=present", signature)

    np.testing.assert_array_equal(np.asarray(taken), array)


@pytest.mark.parametrize("body", [b"3,1,0,2\n30,10,0,20", b"0,1,2,3\n0,1,2,3"])
def test_numbers_that_are_names_or_values_are_asked_for(body: bytes) -> None:
    """Columns named by numbers are mapped by them, once it is said that they are named."""
    assert "header=present" in refusal(body, "text/csv", NUMBERED).detail
    taken = take(b"3,1,0,2\n30,10,0,20", "text/csv; header=present", NUMBERED)
    assert taken.to_numpy().tolist() == [[0, 10, 20, 30]]
    assert len(take(body, "text/csv; header=absent", NUMBERED)) == 2


def test_a_header_in_another_case_is_not_a_row() -> None:
    """The names stay as they are written, so that the model's own can be named."""
    error = refusal(b"SEX,Ticket\nfemale,113", "text/csv", PASSENGER)

    assert (error.status, error.column) == (422, "Sex")
    assert '"SEX"' in error.detail


def test_a_value_that_is_a_columns_name_is_a_value() -> None:
    """One cell does not make a row a header."""
    taken = take(b"1,true,c,1\n2,false,d,3", "text/csv", FLAGGED)

    assert taken.to_numpy().tolist() == [[1, True, "c", 1], [2, False, "d", 3]]


@pytest.mark.parametrize(
    ("body", "signature", "shown"),
    [
        (b"a;b;c\n1;2;3", NUMBERS, "';'"),
        (b"a;b\n1;2", NUMBERS, "';'"),
        (b"1,5;2,5;3,5", NUMBERS, "';'"),
        (b"1\t2\t3\t4", FOUR, "tabs"),
        (b"a\tb\tc\n1\t2\t3", POSITIONS, "tabs"),
        (b"1 2  3 4\n", FOUR, "spaces"),
    ],
)
def test_other_separators_are_named(body: bytes, signature: Signature, shown: str) -> None:
    """A file that a program called CSV without commas is told from one of too few columns."""
    error = refusal(body, "text/csv", signature)

    assert error.status == 400
    assert f"separated by {shown}: text/csv means commas" in error.detail


@pytest.mark.parametrize(
    ("body", "signature"),
    [(b"a;b", TEXT), (b"two words", TEXT), (b"a;b,c\td", TEXTS), (b"a;b,c", PASSENGER)],
)
def test_separators_within_text_are_text(body: bytes, signature: Signature) -> None:
    """As long as there are as many columns as the model takes, nothing is suspected."""
    taken = take(body, "text/csv; header=absent", signature)

    assert ",".join(np.asarray(taken)[0].tolist()) == body.decode()


@pytest.mark.parametrize(
    ("content_type", "body"), [("text/csv", b"a,b,c\n"), ("text/csv; header=present", b"1,2,3")]
)
def test_a_header_alone_is_told_from_an_empty_body(content_type: str, body: bytes) -> None:
    """The message says where the only row went, and how to keep it."""
    error = refusal(body, content_type, NUMBERS)

    assert error.status == 422
    assert "a header but no rows" in error.detail
    assert "header=absent" in error.detail


def test_a_header_parameter_of_another_value_is_refused() -> None:
    """There is present and absent."""
    assert refusal(b"1,2,3", "text/csv; header=maybe", POSITIONS).status == 400


YEARLY = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=[2019, 2020])
LABELLED = Signature((Column("2019", "number", "float64"), Column("2020", "number", "float64")))
TWO = Signature((Column(None, "number", "float64"),) * 2, "array")


@pytest.mark.parametrize("signature", [TWO, UNKNOWN, None, NUMBERS])
@pytest.mark.parametrize("rows", [1, 4_000])
@pytest.mark.parametrize("body", ["0,1\n5,7\n", "0,1,2\n1,3,4\n", "1,0\n0,1\n", "2024,2023\n1,2\n"])
def test_a_row_of_numbers_is_a_row(body: str, rows: int, signature: Signature | None) -> None:
    """Whatever numbers they are: a row is an answer."""
    width = body.split("\n")[0].count(",") + 1
    if signature is not None:
        signature = Signature(signature.inputs[:1] * width, "array")

    assert len(take(body.encode() * rows, "text/csv", signature)) == 2 * rows


@pytest.mark.parametrize("labels", [["1", "2"], ["0", "1"], ["2", "1"], ["10", "20"]])
def test_small_labels_may_be_values(labels: list[str]) -> None:
    """A frame whose label stood first has its columns numbered from 1."""
    signature = Signature(tuple(Column(label, "number", "float64") for label in labels))
    body = f"{','.join(labels)}\n3,4\n".encode()

    assert "header=absent" in refusal(body, "text/csv", signature).detail
    assert len(take(body, "text/csv; header=absent", signature)) == 2
    assert len(take(b"5,6\n3,4\n", "text/csv", signature)) == 2


@pytest.mark.parametrize("order", [[2019, 2020], [2020, 2019]])
def test_labels_that_are_years_are_names(order: list[int]) -> None:
    """In what the frame itself writes, in any order of its columns."""
    body = YEARLY[order].to_csv(index=False).encode()

    taken = take(body, "text/csv", LABELLED)

    assert taken.to_numpy().tolist() == YEARLY.to_numpy().tolist()
    assert len(take(b"2019,2020\n", "text/csv", LABELLED)) == 1


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b",a,b,c\n0,1,2,3\n1,4,5,6\n", ["a", "b", "c"]),
        (b"Unnamed: 0,c,b,a\n17,3,2,1\n", ["a", "b", "c"]),
    ],
)
@pytest.mark.parametrize("signature", [NUMBERS, None])
def test_the_index_that_pandas_writes_is_no_column(
    body: bytes, names: list[str], signature: Signature | None
) -> None:
    """It numbers the rows."""
    taken = take(body, "text/csv", signature)

    assert sorted(taken.columns) == names
    assert taken.iloc[0].to_dict() == {"a": 1, "b": 2, "c": 3}


def test_an_index_that_the_model_was_fitted_on_is_a_column() -> None:
    """Its name is pandas' own."""
    signature = Signature((Column("Unnamed: 0", "integer", "int64"), Column("a", "number")))

    taken = take(b",a\n7,1\n", "text/csv", signature)

    assert taken.to_numpy().tolist() == [[7, 1]]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"a,,c\n1,2,3\n", "gives column 2 no name"),
        (b",b,c\nx,2,3\n", "column 1 no name, and it is no index"),
        (b"a,b,a\n1,2,3\n", 'names column "a" twice'),
        (b"a,b, a\n1,2,3\n", 'names column "a" twice'),
    ],
)
def test_blank_and_repeated_names_are_refused(body: bytes, part: str) -> None:
    """As in a training channel."""
    assert part in refusal(body, "text/csv", NUMBERS).detail


@pytest.mark.parametrize("body", [b"?,?,?\n1,2,3\n", b"-,-,-\n1,2,3\n"])
def test_marks_for_missing_values_are_no_names(body: bytes) -> None:
    """The row is refused where it is, and not lost."""
    error = refusal(body, "text/csv", POSITIONS)

    assert (error.status, error.row, error.column) == (422, 1, 1)


@pytest.mark.parametrize("body", [b"hello\n42\n", b"x\n1\n2\n"])
def test_a_text_above_numbers_alone_is_asked_for(body: bytes) -> None:
    """A name, or one of several texts."""
    assert "header=present" in refusal(body, "text/csv", None).detail
    assert len(take(body, "text/csv; header=absent", None)) == body.count(b"\n")


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        ("0,1,2,3\n5.1,3.5,1.4,0.2\n", True),
        ("1,2,3,4\n5.1,3.5,1.4,0.2\n", True),
        ("2019,2020,2021,2022\n5.1,3.5,1.4,0.2\n", True),
        ("2019,2020,2021,2022\n", False),
        ("2019,2020,2021,2022\n2020,2021,2022,2023\n", False),
        ("2019,2021,2020,2022\n5.1,3.5,1.4,0.2\n", False),
        ("5.1,3.5,1.4,0.2\n0,1,2,3\n", False),
    ],
)
@pytest.mark.parametrize("signature", [FOUR, PLAIN_POSITIONS, None])
def test_a_first_row_that_counts_is_warned_of_once(
    body: str, warned: bool, signature: Signature | None, caplog: pytest.LogCaptureFixture
) -> None:
    """It is answered as a row all the same."""
    csv_layout._warn_once_of_counting.cache_clear()
    rows = body.count("\n")

    for _ in range(2):
        assert len(take(body.encode(), "text/csv", signature)) == rows

    warnings = [r for r in caplog.records if "was answered as a row" in r.getMessage()]
    assert len(warnings) == int(warned)


def test_names_that_count_are_no_cause_for_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    csv_layout._warn_once_of_counting.cache_clear()

    take(b"2023,2024\n1,2\n", "text/csv", YEARS)
    take(b"0,1,2,3\n5,6,7,8\n", "text/csv; header=present", FOUR)

    assert "answered as a row" not in caplog.text


@pytest.mark.parametrize("index", [[0, 0], [0.5, 1.5], ["x", "y"], ["2024-01-01", "2024-01-02"]])
def test_any_index_is_dropped_beside_the_models_own_columns(index: list[object]) -> None:
    """Also what tables put together count twice."""
    frame = pd.DataFrame([[1.0, 2, 3], [4, 5, 6]], columns=["a", "b", "c"], index=index)

    for body in (frame.to_csv(), frame[["c", "a", "b"]].to_csv()):
        taken = take(body.encode(), "text/csv", NUMBERS)
        assert taken.to_numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    frame = frame.drop(columns="c")
    assert "no index" in refusal(frame.to_csv().encode(), "text/csv", NUMBERS).detail
