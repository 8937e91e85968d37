"""Values that a model or a script gets from requests, through the real frontend."""

from __future__ import annotations

import io
import json
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from contract import save_signature
from tests.serving.conftest import Server, Tree, make_tree, running, save_positional

pytestmark = pytest.mark.slow

MOMENTS = pd.to_datetime([f"2024-07-01T{hour:02}:30:00Z" for hour in range(24)])
COUNTRIES = ["NA", "DE", "None", "02134"]


def save_hours(model_dir: Path) -> None:
    """Gives the hour that a clock in Berlin shows."""
    X = pd.DataFrame({"at": MOMENTS.tz_convert("Europe/Berlin").as_unit("ns")})
    # By pandas' own accessor, since nothing of a test's can be loaded by a server.
    hour = FunctionTransformer(pd.DataFrame.map, kw_args={"func": pd.Timestamp.time})
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(make_pipeline(hour), model_dir / "model.joblib")
    save_signature(None, X, model_dir=model_dir)


def save_countries(model_dir: Path, container: str, signed: bool) -> None:
    """Gives the country itself, of which some look missing and one like a number."""
    X: Any = pd.DataFrame({"country": COUNTRIES, "size": [1.0, 2.0, 3.0, 4.0]})
    columns: Any = ["country"] if container == "frame" else [0]
    X = X if container == "frame" else X.astype(object).to_numpy()
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), columns)),
        LogisticRegression(C=1e6, max_iter=10_000),
    ).fit(X, COUNTRIES)
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, model_dir / "model.joblib")
    if signed:
        save_signature(model, X, COUNTRIES, model_dir=model_dir)


def save_sum(model_dir: Path, width: int, labels: Any = None, signed: bool = False) -> None:
    """Gives the sum of its numbers."""
    X: Any = np.eye(width)
    if labels is not None:
        X = pd.DataFrame(X, columns=labels)
    model = LinearRegression(fit_intercept=False).fit(X, np.ones(width))
    model_dir.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, model_dir / "model.joblib")
    if signed:
        save_signature(model, X, model_dir=model_dir)


Make = Callable[[Callable[[Path], None]], Tree]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    def make(save: Callable[[Path], None]) -> Tree:
        tree = make_tree(tmp_path)
        save(tree.paths.model)
        return tree

    return make


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def answers(server: Server, body: str | bytes, content_type: str = "text/csv") -> Any:
    response = server.post(body, content_type)
    assert response.status == 200, response.body
    return json.loads(response.body)


def refused(server: Server, body: str | bytes, content_type: str = "text/csv") -> Any:
    response = server.post(body, content_type)
    problem = json.loads(response.body)
    assert 400 <= response.status < 500, problem
    return problem


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A script that changes its data in place, with a model of which its author saved nothing."""
    tree = make_tree(tmp_path_factory.mktemp("changing")).inference("changes_its_data.py")
    save_positional(tree.paths.model)
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        yield server


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("3.0,4.0\n", "text/csv", [[1.0, 3.5]]),
        ("3,4\n", "text/csv", [[1.0, 3.5]]),
        ("3,4\n-999,\n", "text/csv", [[1.0, 3.5], [-500.0, None]]),
        ("3,-999\n", "text/csv", [[1.0, None]]),
        ("3,4\n" * 5_000, "text/csv", [[1.0, 3.5]] * 5_000),
        ("[[3, 4]]", "application/json", [[1.0, 3.5]]),
        ('{"instances": [[3, 4], [5.5, null]]}', "application/json", [[1.0, 3.5], [2.25, None]]),
        ("[3, 4]\n[5, 6]\n", "application/jsonlines", [[1.0, 3.5], [2.0, 5.5]]),
        (npy(np.array([[3.0, 4.0]])), "application/x-npy", [[1.0, 3.5]]),
    ],
)
def test_a_script_may_reckon_with_whole_numbers(
    changing: Server, body: str | bytes, content_type: str, expected: Any
) -> None:
    """In place, as with the floats that AWS's layer gives."""
    given = json.loads(changing.post(body, content_type).body.replace(b"NaN", b"null"))

    assert given == expected


def test_the_toolkits_decoder_gives_its_own_arrays(made: Make) -> None:
    """Of any number of dimensions, as they were sent, and none that needs unpickling."""
    tree = made(save_positional).inference("decodes_arrays.py")
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        for array in (
            np.zeros((2, 3, 4)),
            np.arange(5),
            np.array(7.5),
            np.zeros((2, 2), dtype="float32"),
            np.array(["a", "bc"]),
            np.zeros((1, 28, 28, 1), dtype="uint8"),
        ):
            told = answers(server, npy(array), "application/x-npy")
            assert told == [list(array.shape), str(array.dtype), True]
        problem = refused(server, npy(np.array([{}], dtype=object)), "application/x-npy")
        assert "never unpickled" in problem["detail"]


def test_a_moment_has_the_hour_of_training(made: Make) -> None:
    """Whatever zone a caller writes it in."""
    with running(made(save_hours), SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        for value in ("2024-07-01T12:00:00+02:00", "2024-07-01T10:00:00Z", 1719828000000):
            for body, content_type in (
                (json.dumps([{"at": value}]), "application/json"),
                (json.dumps({"instances": [[value]]}), "application/json"),
                (json.dumps({"at": value}), "application/jsonlines"),
                (f"at\n{value}\n", "text/csv"),
                (f"{value}\n", "text/csv; header=absent"),
            ):
                assert "12:00:00" in json.dumps(answers(server, body, content_type))
        stream = io.BytesIO()
        moment = pd.to_datetime(["2024-07-01T10:00:00Z"])
        pd.DataFrame({"at": moment}).to_parquet(stream)
        told = answers(server, stream.getvalue(), "application/x-parquet")
        assert "12:00:00" in json.dumps(told)


@pytest.mark.parametrize("container", ["frame", "array"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_word_that_is_a_category_is_no_missing_value(
    made: Make, container: str, signed: bool
) -> None:
    """Namibia is a country, and the zero of a postal code counts; quoted or not."""
    tree = made(lambda model_dir: save_countries(model_dir, container, signed))
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        plain = "".join(f"{country},1\n" for country in COUNTRIES)
        quoted = "".join(f'"{country}",1\n' for country in COUNTRIES)
        rows = json.dumps([[country, 1] for country in COUNTRIES])
        for body, content_type in (
            (plain, "text/csv"),
            (quoted, "text/csv"),
            (rows, "application/json"),
        ):
            assert answers(server, body, content_type) == COUNTRIES
        for line, country in zip(plain.splitlines(True), COUNTRIES, strict=True):
            assert answers(server, line) == [country]


@pytest.mark.parametrize("signed", [True, False])
def test_a_row_of_numbers_is_answered(made: Make, signed: bool) -> None:
    """Also where it counts, as pandas counts columns without names."""
    tree = made(lambda model_dir: save_sum(model_dir, 2, signed=signed))
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        assert answers(server, "0,1\n5,7\n") == pytest.approx([1, 12])
        assert answers(server, "1,0\n5,7\n") == pytest.approx([1, 12])
        assert answers(server, "0,1\n5,7\n", "text/csv; header=present") == pytest.approx([12])
        assert "line 2 is blank" in refused(server, "1,2\n\n3,4\n")["detail"]
        assert "decimal point" in refused(server, '"1,5",2\n')["detail"]


def test_a_frame_is_read_from_its_own_csv(made: Make) -> None:
    """Its header is no row, its index no column."""
    labels = ["2019", "2020"]
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=labels)
    tree = made(lambda model_dir: save_sum(model_dir, 2, labels, signed=True))
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        for body in (
            frame.to_csv(index=False),
            frame[labels[::-1]].to_csv(index=False),
            frame.to_csv(),
            frame.to_csv(header=False, index=False),
            frame.to_csv(index=False).encode("utf-16"),
            frame.to_csv(index=False, lineterminator="\r"),
        ):
            assert answers(server, body) == pytest.approx([3, 7])


def test_other_servers_forms_are_answered_in_kind(made: Make) -> None:
    """MLflow's with predictions, tensors with tensors, and SageMaker's own rows."""
    tree = made(lambda model_dir: save_sum(model_dir, 2))
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        for document in (
            {"dataframe_split": {"data": [[1, 2]]}},
            {"inputs": [[1, 2]], "params": {}},
            {"instances": [{"features": [1, 2]}]},
            {"instances": [{"data": {"features": {"values": [1, 2]}}}]},
            {
                "instances": [
                    {"data": {"features": {"keys": [0, 1], "shape": [2], "values": [1, 2]}}}
                ]
            },
        ):
            told = answers(server, json.dumps(document), "application/json")
            assert list(told) == ["predictions"]
            assert told["predictions"] == pytest.approx([3])
        tensors = {
            "id": "7",
            "inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]}],
        }
        told = answers(server, json.dumps(tensors), "application/json")
        assert told["id"] == "7"
        (output,) = told["outputs"]
        assert (output["datatype"], output["shape"]) == ("FP64", [2])
        assert output["data"] == pytest.approx([3, 7])


def save_second(model_dir: Path, signed: bool) -> None:
    """Asks its data for column b, and holds no trace of what it was fitted on."""
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    model = make_pipeline(FunctionTransformer(operator.itemgetter("b")))
    joblib.dump(model, model_dir / "model.joblib")
    if signed:
        save_signature(None, X, model_dir=model_dir)


def test_a_model_that_asks_for_names_says_so(made: Make) -> None:
    """Where nobody knows them, and rows have none."""
    tree = made(lambda model_dir: save_second(model_dir, signed=False))
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        for body, content_type in (("1,2\n", "text/csv"), ("[[1, 2]]", "application/json")):
            problem = refused(server, body, content_type)
            assert problem["status"] == 422
            assert "asks for columns by name" in problem["detail"]
        assert answers(server, "a,b\n1,2\n") == [2]
        assert answers(server, '[{"b": 2}]', "application/json") == [2]
        assert 'column "b"' in refused(server, '[{"a": 2}]', "application/json")["detail"]


@pytest.mark.parametrize("signed", [True, False])
def test_numbers_may_come_as_texts(made: Make, signed: bool) -> None:
    """As from forms of the web; a signature makes no difference."""
    tree = made(lambda model_dir: save_sum(model_dir, 2, ["a", "b"], signed=signed))
    with running(tree, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        for document in (
            [{"a": "1.5", "b": "2"}],
            {"instances": [["1.5", 2]]},
            {"dataframe_split": {"columns": ["b", "a"], "data": [["2", "1.5"]]}},
        ):
            told = answers(server, json.dumps(document), "application/json")
            told = told["predictions"] if isinstance(told, dict) else told
            assert told == pytest.approx([3.5])
        body = json.dumps([{"a": "1,5", "b": "2"}])
        assert refused(server, body, "application/json")["status"] == 422
