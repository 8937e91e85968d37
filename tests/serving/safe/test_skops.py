"""Models that skops has written, and endpoints that serve no others."""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skops import io

from contract import save_signature
from contract.errors import ByoError, ModelLoadError
from contract.model_pins import write_pins
from tests.serving.conftest import FIXTURES
from tests.serving.safe.loading import Trap, X, answer, fitted, load, skops_alone, y


def test_a_skops_model_answers_as_its_pickle_does(folder: Path, tmp_path: Path) -> None:
    """With its signature, by the shorter way, with pins, and with nothing unpickled."""
    model = fitted()
    io.dump(model, folder / "model.skops")
    save_signature(model, X, y, model_dir=folder)
    write_pins(folder)

    pipeline = load(folder, **skops_alone())

    assert answer(pipeline) == b"[0,1]"
    assert answer(pipeline) == answer(load(folder, fast_predictions=False))


def test_what_does_no_harm_is_not_asked_for(folder: Path) -> None:
    """Such as a rule for columns, which most pipelines of tables have."""
    numbers = make_column_selector(dtype_include=np.number)
    table = pd.DataFrame(X, columns=["a", "b"])
    steps = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), numbers))
    io.dump(make_pipeline(steps, LogisticRegression()).fit(table, y), folder / "model.skops")
    held = io.get_untrusted_types(file=folder / "model.skops")

    assert "sklearn.compose._column_transformer.make_column_selector" in held
    assert answer(load(folder, **skops_alone()), b"a,b\n0,0\n3,0\n") == b"[0,1]"


def test_a_forest_of_histograms(folder: Path) -> None:
    """skops does not trust its trees, whose numbers compiled code goes by."""
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1).fit(X, y)
    io.dump(model, folder / "any.skops")
    tree = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"

    with pytest.raises(ModelLoadError, match=f"set BYO_SKOPS_TRUSTED={tree}$"):
        load(folder, **skops_alone())

    assert answer(load(folder, **skops_alone(), skops_trusted=(tree,))) == b"[0,1]"


def test_types_that_nobody_trusts(folder: Path, mark: Path) -> None:
    """They are named with the setting that would allow them, and allowed by it."""
    (folder / "code").mkdir()
    (folder / "code" / "mine.py").write_text(
        "from sklearn.preprocessing import StandardScaler\n"
        f"open({str(mark)!r}, 'w').close()\n"
        "class Mine(StandardScaler): pass\n"
    )
    sys.path.insert(0, str(folder / "code"))
    from mine import Mine  # type: ignore[import-not-found]

    model = make_pipeline(Mine(), LogisticRegression()).fit(X, y)
    io.dump(model, folder / "model.skops")
    del sys.modules["mine"]
    sys.path.remove(str(folder / "code"))
    mark.unlink()

    with pytest.raises(
        ModelLoadError, match=r"not trusted: mine\.Mine.* set BYO_SKOPS_TRUSTED=mine\.Mine"
    ):
        load(folder)
    assert not mark.exists()

    assert answer(load(folder, skops_trusted=("other.Type", "mine.Mine"))) == b"[0,1]"


def pickle_named_skops(folder: Path, mark: Path) -> None:
    (folder / "model.skops").write_bytes(pickle.dumps(Trap(mark)))


def pickle_beside(folder: Path, mark: Path) -> None:
    io.dump(fitted(), folder / "model.skops")
    (folder / "more.pkl").write_bytes(pickle.dumps(Trap(mark)))


def pickle_of_another_name(folder: Path, mark: Path) -> None:
    io.dump(fitted(), folder / "model.skops")
    (folder / "code").mkdir()
    (folder / "code" / "weights.bin").write_bytes(pickle.dumps(Trap(mark)))


def compressed_pickle(folder: Path, mark: Path) -> None:
    joblib.dump(Trap(mark), folder / "model.joblib.gz", compress=("gzip", 3))


def broken_skops(folder: Path, mark: Path) -> None:
    io.dump(fitted(), folder / "model.skops")
    content = (folder / "model.skops").read_bytes()
    (folder / "model.skops").write_bytes(content[: len(content) // 2])


def no_schema(folder: Path, mark: Path) -> None:
    shutil.make_archive(str(folder / "model"), "zip", FIXTURES / "hangs")
    (folder / "model.zip").rename(folder / "model.skops")


def model_fn_that_unpickles(folder: Path, mark: Path) -> None:
    """A pickle of the oldest protocol, whose content tells nothing."""
    io.dump(fitted(), folder / "model.skops")
    (folder / "weights.txt").write_bytes(pickle.dumps(Trap(mark), protocol=0))
    (folder / "inference.py").write_text(
        "import pickle\n"
        "def model_fn(model_dir):\n"
        "    return pickle.load(open(model_dir + '/weights.txt', 'rb'))\n"
    )


def module_that_unpickles(folder: Path, mark: Path) -> None:
    model_fn_that_unpickles(folder, mark)
    text = f"import joblib\nMODEL = joblib.load({str(folder / 'weights.txt')!r})\n"
    (folder / "inference.py").write_text(text)


REFUSED: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "a pickle named skops": (pickle_named_skops, r"holds model\.skops"),
    "a pickle beside the model": (pickle_beside, r"skops alone, and .* holds more\.pkl"),
    "a pickle of another name": (pickle_of_another_name, r"holds code/weights\.bin"),
    "a compressed one": (compressed_pickle, r"holds model\.joblib\.gz"),
    "half a file": (broken_skops, r"model\.skops is not what skops\.io\.dump writes"),
    "a zip of something else": (no_schema, r"model\.skops can't be loaded: KeyError"),
    "a model_fn that unpickles": (model_fn_that_unpickles, "about to be unpickled"),
    "a module that unpickles": (module_that_unpickles, "about to be unpickled"),
}


@pytest.mark.parametrize(("make", "told"), REFUSED.values(), ids=REFUSED)
def test_no_pickle_is_read_where_skops_alone_is_allowed(
    folder: Path, mark: Path, make: Callable[[Path, Path], None], told: str
) -> None:
    """Whoever would read it, and whatever it is called."""
    make(folder, mark)

    with pytest.raises(ByoError, match=told):
        load(folder, **skops_alone())

    assert not mark.exists()
    # Only while a model loads: what a prediction needs of pickles, as of processes, goes on.
    assert pickle.loads(pickle.dumps(Path("x"))) == Path("x")


def test_a_pickle_named_skops_is_none_anyway(folder: Path, mark: Path) -> None:
    """Where every format is allowed, the name says which is meant."""
    pickle_named_skops(folder, mark)

    with pytest.raises(ModelLoadError, match=r"not what skops\.io\.dump writes"):
        load(folder)
    assert not mark.exists()


def test_nothing_beside_a_skops_model_is_unpickled(folder: Path, mark: Path) -> None:
    """Beside a pickle it would be, to see whether it belongs to the model."""
    pickle_beside(folder, mark)

    assert answer(load(folder)) == b"[0,1]"
    assert not mark.exists()


def test_a_scaler_beside_a_skops_model(folder: Path) -> None:
    """It is found out as one beside a pickle is."""
    io.dump(fitted(), folder / "model.skops")
    io.dump(StandardScaler().fit(X), folder / "scaler.skops")

    with pytest.raises(ModelLoadError, match="holds a StandardScaler"):
        load(folder)


def test_two_models_are_none(folder: Path) -> None:
    """Nothing tells which of them is the later one."""
    io.dump(fitted(), folder / "model.skops")
    joblib.dump(fitted(), folder / "model.joblib")

    with pytest.raises(ModelLoadError, match=r"model\.joblib and model\.skops, and nothing tells"):
        load(folder)
    with pytest.raises(ModelLoadError, match=r"joblib alone, and .* holds model\.skops"):
        load(folder, model_formats=("joblib",))


def test_a_skops_file_by_another_name(folder: Path) -> None:
    """joblib can't read it; the message tells what it is."""
    io.dump(fitted(), folder / "model.joblib")

    with pytest.raises(
        ModelLoadError, match=r"a zip archive, as a skops file is: name that model\.skops"
    ):
        load(folder)


def test_without_skops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    io.dump(fitted(), folder / "model.skops")
    monkeypatch.setitem(sys.modules, "skops", None)

    with pytest.raises(ModelLoadError, match="pip install skops"):
        load(folder)


def test_a_skops_with_known_holes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's requirements may ask for one: it is not used."""
    io.dump(fitted(), folder / "model.skops")
    monkeypatch.setattr("skops.__version__", "0.12.3")

    with pytest.raises(ModelLoadError, match=r"takes skops 0\.13 or newer .* 0\.12\.3"):
        load(folder)
