"""Channels: many files of three formats as one data frame, and one line for each thing wrong."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from contract.paths import Paths
from training_entry import Channel, ChannelError, Job, JobError, read_channel, shard_by_host

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
JSON_LINES = '{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}\n{"a": 3, "b": "z"}\n'


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "input" / "data" / "training"
    folder.mkdir(parents=True)
    return folder


def fill(folder, files):
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pd.DataFrame):
            content.to_parquet(file)
        else:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())


def refusal(folder, schema=None, **options):
    """The message with which a folder's files are refused."""
    with pytest.raises(ChannelError) as caught:
        read_channel("training", schema, folder=folder, **options)
    message = str(caught.value)
    assert message.startswith("channel training: ")
    assert "\n" not in message
    return message.removeprefix("channel training: ")


SOUND = [
    pytest.param({"d.csv": "a,b\n1,x\n2,y\n3,z\n"}, {}, id="csv"),
    pytest.param({"d.csv": b"\xef\xbb\xbfa,b\r\n1,x\r\n\r\n2,y\r\n3,z"}, {}, id="csv of windows"),
    pytest.param({"d.CSV": '"a","b"\n1,"x"\n2,y\n3,z\n'}, {}, id="quotes"),
    pytest.param({"d.csv.gz": gzip.compress(b"a,b\n1,x\n2,y\n3,z\n")}, {}, id="gz"),
    pytest.param({"d.jsonl": JSON_LINES}, {}, id="jsonl"),
    pytest.param({"d.ndjson.gz": gzip.compress(JSON_LINES.encode())}, {}, id="jsonl gz"),
    pytest.param({"d.parquet": FRAME}, {}, id="parquet"),
    pytest.param({"year=2024/d.parquet": FRAME}, {}, id="parquet in a named folder"),
    pytest.param(
        {"2/d.csv": "b,a\nz,3\n", "1/x/d.csv": "a,b\n1,x\n", "1/y.csv": "a,b\n2,y\n"},
        {},
        id="nested and in another order",
    ),
    pytest.param(
        {"1.csv": "a,b\n1,x\n", "2.jsonl": '{"a": 2, "b": "y"}', "3.pq": FRAME[2:]},
        {},
        id="all formats",
    ),
    pytest.param(
        {"1.csv": "a,b\n", "2.csv": "a,b\n1,x\n2,y\n3,z\n"}, {}, id="a file of a header alone"
    ),
    pytest.param(
        {
            "part-0": "a,b\n1,x\n2,y\n3,z\n",
            "_SUCCESS": "",
            ".part-0.crc": "x",
            ".hidden/d.csv": "x",
            "_committed_1": "{}",
        },
        {"content_type": "text/csv"},
        id="content type, markers, hidden files",
    ),
    pytest.param({"part-0": JSON_LINES}, {"content_type": "application/jsonlines"}, id="by type"),
    pytest.param({"d.csv": "1,x\n2,y\n3,z\n"}, {"schema": ["a", "b"]}, id="names"),
    pytest.param({"d.csv": "b,a\nx,1\ny,2\nz,3\n"}, {"schema": ["a", "b"]}, id="names and header"),
    pytest.param(
        {"d.csv": "1,x\n2,y\n3,z\n"}, {"schema": {"a": "integer", "b": "string"}}, id="kinds"
    ),
    pytest.param(
        {"d.csv": "1,x\n2,y\n3,z\n"},
        {"schema": ["a", "b"], "content_type": "text/csv; header=absent"},
        id="header=absent",
    ),
]


@pytest.mark.parametrize(("files", "options"), SOUND)
def test_one_frame_comes_of_all_files(folder, files, options):
    """Formats, folders, packing and the order of columns make no difference."""
    fill(folder, files)

    frame = read_channel(folder=folder, **options)

    pd.testing.assert_frame_equal(frame, FRAME, check_dtype=False)


DOUBTFUL = [
    ("zip,x\n10115,1\n02134,2\n", "line 3: column zip holds 02134: a number, or a text?"),
    ('zip,x\n10115,1\n"-007",2\n', "line 3: column zip holds -007: a number, or a text?"),
    ("1,02\n3,04\n", "line 1: column 1 holds 02: a number, or a text?"),
    ("zip\n\n02134\n", "line 3: column zip holds 02134"),
    ("n,x\n9007199254740993,1\n,2\n", "line 2: column n holds 9007199254740993: a float would"),
    ("1,5;2\n1,6;3\n", "line 1: the cells stand between semicolons"),
    ("a;b\n1;2\n", "line 1: the cells stand between semicolons"),
    ("a\tb\n1\t2\n", "line 1: the cells stand between tabs"),
    ("token,x\n02134,2\n", "column token holds ***:"),
]


@pytest.mark.parametrize(("text", "expected"), DOUBTFUL)
@pytest.mark.parametrize("packed", [False, True])
def test_what_would_be_read_otherwise_than_it_is_written_is_refused(folder, text, expected, packed):
    """As in requests; nobody would notice that a zero or a digit is gone."""
    name = "d.csv.gz" if packed else "d.csv"
    fill(folder, {name: gzip.compress(text.encode()) if packed else text})

    assert expected in refusal(folder)


def test_a_schema_says_what_is_meant(folder):
    """Of each doubt."""
    fill(folder, {"d.csv": "zip,month,note\n02134,09,1;2\n10115,10,3;4\n"})

    read = read_channel(
        "training", {"zip": "string", "month": "number", "note": "string"}, folder=folder
    )

    assert read.values.tolist() == [["02134", 9, "1;2"], ["10115", 10, "3;4"]]


@pytest.mark.parametrize(
    "text",
    ["a,b\n0,0.5\n-0,00.5\n", "a,b\nx01,2\n", 'a,b\n"1,02,3",2\n', "a,b\n1;2,5\ny,7\n"],
)
def test_what_only_looks_so_is_read(folder, text):
    """A fraction, a text, commas in quotes, a semicolon here and there."""
    fill(folder, {"d.csv": text})

    assert list(read_channel("training", folder=folder).columns) == ["a", "b"]


def test_a_blank_value_may_come_first(folder):
    """It is a missing value of the one column, not the end of the file."""
    fill(folder, {"a.csv": "x\n\n5\n", "b.csv": "x\n6\n", "c.csv": "x\n"})

    values = read_channel("training", folder=folder)["x"]

    assert values.isna().tolist() == [True, False, False]
    assert values.dropna().tolist() == [5, 6]


def test_what_file_managers_and_file_systems_leave_is_no_data(folder):
    """None of it has a row."""
    fill(folder, {"d.csv": "a,b\n1,2\n", "Thumbs.db": b"\0", "sub/desktop.ini": "x"})
    (folder / "lost+found").mkdir()

    assert read_channel("training", folder=folder).values.tolist() == [[1, 2]]


def test_linked_folders_are_read(folder, tmp_path):
    """A link to a folder of data is that data, as a channel of one's own machine may have it."""
    fill(folder, {"d.csv": "a,b\n1,2\n"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.csv").write_text("a,b\n3,4\n")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")

    assert read_channel("training", folder=folder).values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("target", [".", "sub"])
def test_a_folder_is_read_once(folder, target):
    """A link that leads round in a circle, or to what is read already, is named."""
    fill(folder, {"d.csv": "a,b\n1,2\n", "sub/e.csv": "a,b\n3,4\n"})
    (folder / "twice").symlink_to(target)

    with pytest.raises(ChannelError, match="would be read twice"):
        read_channel("training", folder=folder)


def test_without_header_and_names_columns_are_counted(folder):
    """header=False is enough for a file of numbers."""
    fill(folder, {"1.csv": "1,2\n", "2.csv": "3,4\n"})

    frame = read_channel(folder=folder, header=False)

    assert frame.to_dict("list") == {0: [1, 3], 1: [2, 4]}


def test_kinds_decide_types(folder):
    """007 stays text, yes-or-no values become booleans, dates dates; missing stays missing."""
    fill(folder, {"d.csv": "007,true,2024-01-31,1.5,\n008,0,2024-02-01T10:00:00,2,3\n"})
    kinds = {"id": "string", "ok": "boolean", "on": "datetime", "x": "number", "n": "integer"}

    frame = read_channel(folder=folder, schema=kinds)

    assert list(frame["id"]) == ["007", "008"]
    assert list(frame["ok"]) == [True, False]
    assert [kind.kind for kind in frame.dtypes[1:]] == ["b", "M", "f", "f"]
    assert frame["n"].isna().tolist() == [True, False]


def test_dates_of_several_zones_become_one(folder):
    """Offsets that differ are turned into UTC."""
    fill(folder, {"d.csv": "2024-01-01T00:00+01:00\n2024-01-01T00:00+02:00\n"})

    frame = read_channel(folder=folder, schema={"on": "datetime"})

    assert list(frame["on"].dt.hour) == [23, 22]


def test_missing_values_are_no_broken_rows(folder):
    """An empty last field is a missing value, in CSV and in JSON Lines."""
    fill(folder, {"1.csv": "a,b\n1,\n2,x\n", "2.jsonl": '{"a": 3, "b": null}\n{"b": "y", "a": 4}'})

    frame = read_channel(folder=folder)

    assert frame["b"].isna().tolist() == [True, False, True, False]


BROKEN = [
    ({}, "there is no file in "),
    ({"_SUCCESS": ""}, "there is no file in "),
    ({"1.csv": "a\n1\n", "2.csv": ""}, "2.csv is empty"),
    ({"1.csv": "\n \n"}, "1.csv is empty"),
    ({"1.jsonl": "\n"}, "1.jsonl is empty"),
    ({"1.csv.gz": gzip.compress(b"")}, "1.csv.gz is empty"),
    ({"1.csv": "a,b\n"}, "there is no row for localhost, only column names"),
    ({"1.csv": "a,b\n1,2\n3\n4,5\n"}, "1.csv, line 3: 1 field, where there should be 2"),
    ({"1.csv": "a,b\n1\n3,4\n"}, "1.csv, line 2: 1 field, where there should be 2"),
    ({"1.csv": "a,b\n1,2\n3,4,5\n"}, "1.csv, line 3: 3 fields, where there should be 2"),
    ({"1.csv": "a,b\n1,2,3\n4,5,6\n"}, "1.csv, line 2: 3 fields, where there should be 2"),
    ({"1.csv": 'a,b\n"1\n\n",2\n\n3\n'}, "1.csv, line 6: 1 field, where there should be 2"),
    ({"1.csv": 'a,b\n"1,\n1",\n"",""\n5",6\n3,"4",5\n'}, "1.csv, line 6: 3 fields, where there"),
    ({"1.csv": 'a,b\n1,2\n3,"4\n5,6\n'}, "1.csv, line 3: a quote is opened here and never closed"),
    ({"1.csv": "a,a\n1,2\n"}, '1.csv, line 1: the header names column "a" twice'),
    ({"1.csv": b"a,b\n1,2\n3,\xff\n"}, "1.csv, line 3: not UTF-8"),
    ({"1.csv.gz": b"a,b\n1,2\n"}, "1.csv.gz can't be read: Not a gzipped file"),
    ({"1.csv.gz": gzip.compress(b"a,b\n1,2\n")[:-9]}, "1.csv.gz can't be unpacked: "),
    ({"1.jsonl": '{"a": 1}\n\n{"a": \n'}, "1.jsonl, line 3: not JSON: Expecting value"),
    ({"1.jsonl": '{"a": 1}\n[2]\n'}, "1.jsonl, line 2: must be a JSON object, not list"),
    ({"1.parquet": "a,b\n1,2\n"}, "1.parquet can't be read as Parquet: "),
    ({"1.parquet.gz": gzip.compress(b"x")}, "1.parquet.gz: Parquet packs its own columns"),
    ({"notes.txt": "x"}, "notes.txt is of no known format: name it .csv, "),
    ({"1.csv": "a,b\n1,2\n", "x/2.csv": "a\n1\n"}, "x/2.csv lacks the column b, which 1.csv has"),
    ({"1.csv": "a\n1\n", "2.csv": "a,b\n1,2\n"}, "2.csv has a column b, which 1.csv lacks"),
    (
        {"1.csv": "a,b\n1,2\n", "2.csv": "a,b\n1,2\n3,?\n"},
        "2.csv, line 3: column b holds text, where 1.csv has numbers: mend the file, or declare",
    ),
]


LABEL_FIRST = "1,0.5,2\n0,1.5,3\n1,2.5,4\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_first_row_of_sagemakers_own_layout_is_a_row(folder, end, encoding):
    """Label first and no header: the columns are counted, and no row is lost."""
    fill(folder, {"train.csv": LABEL_FIRST.replace("\n", end).encode(encoding)})

    frame = read_channel(folder=folder)

    assert frame.to_numpy().tolist() == [[1, 0.5, 2], [0, 1.5, 3], [1, 2.5, 4]]
    assert list(frame.columns) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("label,a\n1,2\n3,4\n", ["label", "a"]),
        ("name,a\nx,2\ny,\n", ["name", "a"]),
        (",a,b\n0,1,x\n1,2,y\n", ["a", "b"]),
        ("Unnamed: 0,a\n5,1\n7,2\n", ["a"]),
        ("0,1\n5,7\n", [0, 1]),
        ("0,1,2\n1,3,4\n", [0, 1, 2]),
        ("NA,1\n2,3\n", [0, 1]),
    ],
)
def test_names_are_told_from_values(folder, text, names):
    """By text above numbers; what pandas wrote as its index is no column."""
    fill(folder, {"d.csv": text})

    assert list(read_channel(folder=folder).columns) == names


@pytest.mark.parametrize("text", ["a,b\nx,y\nz,w\n", "setosa,1\nvirginica,2\n", "id,2019\n7,1\n"])
def test_what_may_be_names_or_values_is_asked_for(folder, text):
    """A row is neither lost nor made up: the message says what to pass."""
    fill(folder, {"d.csv": text})
    lines = text.count("\n")

    assert "d.csv, line 1 may hold" in refusal(folder)
    assert "header=True" in refusal(folder)
    assert len(read_channel(folder=folder, header=True)) == lines - 1
    assert len(read_channel(folder=folder, content_type="text/csv; header=absent")) == lines


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a,,c\n1,2,3\n", "gives column 2 no name"),
        (",a\nx,1\ny,2\n", "column 1 has no name, and it is no index"),
        ("a,b,a\n1,2,3\n", 'names column "a" twice'),
    ],
)
def test_blank_and_repeated_names_are_refused(folder, text, part):
    """As in a request."""
    fill(folder, {"d.csv": text})

    assert part in refusal(folder)


def test_a_charset_is_that_of_the_content_type(folder):
    """Latin-1 has no mark of its own."""
    fill(folder, {"d.csv": "name,x\né,1\nü,2\n".encode("latin-1")})

    frame = read_channel(folder=folder, content_type="text/csv; charset=ISO-8859-1")

    assert list(frame["name"]) == ["é", "ü"]
    assert "line 2: not UTF-8" in refusal(folder)
    assert "charset 'klingon'" in refusal(folder, content_type="text/csv; charset=klingon")


def test_a_blank_line_of_one_column_is_a_missing_value(folder):
    """A row stays a row."""
    fill(folder, {"d.csv": "x\n1\n\n3\n"})

    assert read_channel(folder=folder)["x"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(("files", "expected"), BROKEN)
def test_what_is_broken_is_told_in_one_line(folder, files, expected):
    """Channel, file and line, and what is wrong there."""
    fill(folder, files)

    assert refusal(folder).startswith(expected)


AGAINST_SCHEMA = [
    ({"1.csv": "1,2\n3,x\n"}, "1.csv, line 2: column b holds 'x': it must be a number"),
    ({"1.csv": "a,b\n\n1,2\n3,x\n"}, "1.csv, line 4: column b holds 'x': it must be a number"),
    ({"1.csv": "1.5,2\n"}, "1.csv, line 1: column a holds 1.5: it must be a whole number"),
    ({"1.jsonl": '{"a": 1, "b": "x"}'}, "1.jsonl, line 1: column b holds 'x': it must be a number"),
    ({"1.jsonl": '{"a": 1, "c": 2}'}, "1.jsonl, line 1: c is no column of the schema"),
    ({"1.parquet": FRAME}, "1.parquet, row 1: column b holds 'x': it must be a number"),
    ({"1.csv": "a,c\n1,2\n"}, "1.csv lacks the column b of the schema"),
    ({"1.csv": "a,b,c\n1,2,3\n"}, "1.csv has a column c, which the schema lacks"),
    ({"1.csv": "1,2,3\n"}, "1.csv, line 1: 3 fields, where there should be 2"),
]


@pytest.mark.parametrize(("files", "expected"), AGAINST_SCHEMA)
def test_a_schema_is_held_against_every_value(folder, files, expected):
    """The first value of another kind is shown with its place."""
    fill(folder, files)

    assert refusal(folder, {"a": "integer", "b": "number"}) == expected


def test_a_secret_column_is_not_shown(folder):
    """A value of a column that is named like a secret stays out of the message."""
    fill(folder, {"1.csv": "open-sesame\n"})

    assert "column api_key holds ***: " in refusal(folder, {"api_key": "number"})


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ([], "a schema must name the columns, each once"),
        (["a", "a"], "a schema must name the columns, each once"),
        ("a", "a schema must name the columns, each once"),
        ({"a": "float"}, "schema: a is declared as 'float': use one of number, integer, "),
    ],
)
def test_a_schema_must_make_sense(folder, schema, expected):
    """A wrong schema is told before any file is read."""
    assert refusal(folder, schema).startswith(expected)


def test_name_and_content_type_must_agree(folder):
    """A Parquet file in a CSV channel is a mistake that is better told than read."""
    fill(folder, {"1.parquet": FRAME})

    expected = "1.parquet is named like Parquet, but the content type of the channel is text/csv"
    assert refusal(folder, content_type="text/csv").startswith(expected)


def a_job(folder, *hosts, current=None, **members):
    channel = Channel("training", folder, **members)
    hosts = hosts or ("algo-1",)
    return Job(
        paths=Paths(folder.parents[2]),
        hosts=hosts,
        current_host=current or hosts[0],
        channels={"training": channel, "validation": Channel("validation", folder / "none")},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train", "no channel train: is training meant? The job's channels: training, validation"),
        ("zzz", "there is no channel zzz. The job's channels: training, validation"),
        ("validation", "channel validation: its folder .* doesn't exist"),
    ],
)
def test_a_missing_channel_is_told_with_those_that_exist(folder, name, expected):
    """The nearest name is suggested."""
    with pytest.raises(ChannelError, match=expected.replace("?", r"\?")):
        read_channel(name, job=a_job(folder))


def test_without_any_job_a_folder_is_asked_for(tmp_path, monkeypatch):
    """By hand there is no channel, and the message says how to name a folder."""
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path / "none"))

    with pytest.raises(ChannelError, match="name a folder with folder= or SM_CHANNEL_TRAINING"):
        read_channel()


def test_pipe_mode_is_refused_with_a_way_out(folder):
    """A FIFO has no files; FastFile streams as well."""
    with pytest.raises(ChannelError, match=r"its input mode is Pipe.* FastFile"):
        read_channel(job=a_job(folder, input_mode="Pipe"))


def test_fast_file_is_read_like_file(folder):
    """The mode makes no difference to a reader of files."""
    fill(folder, {"d.csv": "a\n1\n"})

    assert len(read_channel(job=a_job(folder, input_mode="FastFile"))) == 1


@pytest.mark.parametrize("files", [1, 3, 12])
def test_hosts_share_what_each_has_whole(folder, files):
    """By files where there are many, else by rows: disjoint, complete, and alike each time."""
    hosts = ("algo-1", "algo-2", "algo-3")
    fill(folder, {f"{n:02}.csv": f"a\n{2 * n}\n{2 * n + 1}\n{100 + n}\n" for n in range(files)})

    jobs = [a_job(folder, *hosts, current=host) for host in hosts]
    parts = [list(read_channel(shard=True, job=job)["a"]) for job in jobs]
    again = [list(read_channel(shard=True, job=job)["a"]) for job in jobs]
    whole = list(read_channel(job=jobs[0])["a"])

    assert parts == again
    assert sorted(row for part in parts for row in part) == sorted(whole)
    assert {len(part) for part in parts} == {files}


def test_what_sagemaker_has_sharded_is_left_as_it_is(folder):
    """With ShardedByS3Key each host has its own files already."""
    fill(folder, {"d.csv": "a\n1\n2\n"})
    job = a_job(folder, "algo-1", "algo-2", distribution="ShardedByS3Key")

    assert list(read_channel(shard=True, job=job)["a"]) == [1, 2]


def test_a_host_without_a_share_says_why(folder):
    """Fewer files than hosts, or fewer rows, is told by the host that has none."""
    sharded = a_job(folder, "algo-1", "algo-2", distribution="ShardedByS3Key")
    with pytest.raises(ChannelError, match="algo-1 has no file: ShardedByS3Key takes at least"):
        read_channel(job=sharded)
    fill(folder, {"d.csv": "a\n1\n"})
    replicated = a_job(folder, "algo-1", "algo-2", current="algo-2")

    with pytest.raises(ChannelError, match="there is no row for algo-2"):
        read_channel(shard=True, job=replicated)


def test_any_list_can_be_shared_out(folder):
    """What read_channel does not read, such as images, is shared by its paths."""
    job = a_job(folder, "algo-1", "algo-2", current="algo-2")

    assert shard_by_host(["a", "b", "c", "d"], job) == ["b", "d"]


def test_a_malformed_job_is_told_before_any_file(tmp_path, monkeypatch):
    """The configuration that can't be read is named."""
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text('{"training": ')
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))

    with pytest.raises(JobError, match=r"inputdataconfig.json, line 1: not JSON"):
        read_channel()
