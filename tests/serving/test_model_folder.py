"""What must be so before anything of a model folder is imported or unpickled."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from contract.errors import ByoError, ModelLoadError, SettingsError
from contract.model_pins import FILE_NAME as PINS
from contract.model_pins import write_pins
from contract.settings import ServingSettings
from handler.invocation.pipeline_loading import load_pipeline
from handler.invocation.request_types import Request
from tests.serving.conftest import FIXTURES

X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
y = [0, 0, 1, 1]
NOWHERE = Path("/nowhere")
# Made once by model_signing 1.1.1, as fixtures/signed_models/README.md has it.
SIGNED = FIXTURES / "signed_models"


@dataclass
class Trap:
    """Whatever unpickles it leaves a mark."""

    mark: Path

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Where it shows that something of a folder was run."""
    return tmp_path / "was-run"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty model folder."""
    folder = tmp_path / "model"
    folder.mkdir()
    return folder


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def load(folder: Path, **settings: Any) -> Any:
    return load_pipeline(folder, replace(ServingSettings(algorithm_dir=NOWHERE), **settings))


def answer(pipeline: Any, body: bytes = b"0,0\n3,0\n") -> bytes:
    response = pipeline.invoke(Request(body, "text/csv", "application/json"))
    assert response.status == 200, response.body
    return bytes(response.body)


def skops_alone() -> dict[str, Any]:
    return {"model_formats": ("skops",)}


# ---- pins ---------------------------------------------------------------------------------------


def test_nothing_of_a_changed_folder_is_run(folder: Path, mark: Path) -> None:
    """Neither the artifact that took another's place, nor code, nor what lies beside the model."""
    joblib.dump(fitted(), folder / "model.joblib")
    write_pins(folder)
    assert answer(load(folder, model_pins="require")) == b"[0,1]"

    joblib.dump(Trap(mark), folder / "model.joblib")
    joblib.dump(Trap(mark), folder / "scaler.pkl")
    (folder / "inference.py").write_text(f"open({str(mark)!r}, 'w')")

    told = r"changed: model\.joblib; added: inference\.py, scaler\.pkl"
    with pytest.raises(ModelLoadError, match=told):
        load(folder)
    assert not mark.exists()


def test_pins_are_required_or_left_alone(folder: Path) -> None:
    """By a setting, in the message by its name."""
    joblib.dump(fitted(), folder / "model.joblib")
    with pytest.raises(ModelLoadError, match=f"has no {PINS}, which BYO_MODEL_PINS=require"):
        load(folder, model_pins="require")
    (folder / PINS).write_text("damaged")
    with pytest.raises(ModelLoadError, match="line 1"):
        load(folder)

    assert answer(load(folder, model_pins="off")) == b"[0,1]"


# ---- skops --------------------------------------------------------------------------------------


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


# ---- signatures ---------------------------------------------------------------------------------


@pytest.fixture
def signed(folder: Path) -> Path:
    """A model folder that was signed by the real tool."""
    shutil.copytree(SIGNED / "model", folder, dirs_exist_ok=True)
    shutil.copy(SIGNED / "p256.sig", folder / "model.sig")
    return folder


def key(name: str = "p256") -> dict[str, Any]:
    return {"model_key": SIGNED / f"{name}.pub"}


@pytest.mark.parametrize("curve", ["p256", "p384", "p521"])
def test_a_model_that_its_key_signs(signed: Path, curve: str) -> None:
    """As the tool signs it, by each kind of key that it has."""
    shutil.copy(SIGNED / f"{curve}.sig", signed / "model.sig")

    assert answer(load(signed, **key(curve), model_pins="require")) == b"[0,1]"


def another_key(folder: Path, mark: Path) -> None:
    shutil.copy(SIGNED / "another.sig", folder / "model.sig")


def another_model(folder: Path, mark: Path) -> None:
    joblib.dump(Trap(mark), folder / "model.joblib")


def a_byte(folder: Path, mark: Path) -> None:
    file = folder / "weights.json"
    file.write_bytes(file.read_bytes().replace(b"1.5", b"2.5"))


def code(folder: Path, mark: Path) -> None:
    (folder / "code" / "inference.py").write_text(f"open({str(mark)!r}, 'w')")


def a_module(folder: Path, mark: Path) -> None:
    """It would be imported in the place of the standard library's."""
    (folder / "code" / "json.py").write_text(f"open({str(mark)!r}, 'w')")


def digest_in_statement(folder: Path, mark: Path) -> None:
    """The statement is edited to fit the folder; the signature is not by the key any more."""
    import base64
    import hashlib
    import json

    code(folder, mark)
    bundle = json.loads((folder / "model.sig").read_bytes())
    envelope = bundle["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    resources = statement["predicate"]["resources"]
    for each in resources:
        content = (folder / each["name"]).read_bytes()
        each["digest"] = hashlib.sha256(content).hexdigest()
    whole = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources))
    statement["subject"][0]["digest"]["sha256"] = whole.hexdigest()
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    (folder / "model.sig").write_text(json.dumps(bundle))


def text(content: str) -> Callable[[Path, Path], None]:
    return lambda folder, _: (folder / "model.sig").write_text(content) and None


def link_out(folder: Path, mark: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "weights.json").rename(outside)
    (folder / "weights.json").symlink_to(outside)


FORGED: dict[str, tuple[Callable[[Path, Path], Any], str]] = {
    "another key": (another_key, "is by another key than BYO_MODEL_KEY names"),
    "another model": (another_model, r"added: model\.joblib"),
    "a byte": (a_byte, r"changed: weights\.json"),
    "code": (code, r"changed: code/inference\.py"),
    "a module": (a_module, r"added: code/json\.py"),
    "a missing file": (lambda one, _: (one / "weights.json").unlink(), r"missing: weights\.json"),
    "an edited statement": (digest_in_statement, "or what it signs was changed"),
    "no signature": (lambda one, _: (one / "model.sig").unlink(), "has no model.sig"),
    "no JSON": (text("signed"), "is not JSON"),
    "no bundle": (text("[]"), "is no bundle"),
    "no envelope": (
        text('{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}'),
        "holds no DSSE envelope",
    ),
    "a link out": (link_out, "out of the folder"),
}


@pytest.mark.parametrize(("forge", "told"), FORGED.values(), ids=FORGED)
def test_a_model_that_the_key_does_not_sign(
    signed: Path, mark: Path, forge: Callable[[Path, Path], Any], told: str
) -> None:
    """Nothing of it is run, also where whoever changed it has written pins anew."""
    forge(signed, mark)

    with pytest.raises(ModelLoadError, match=told):
        load(signed, **key())
    assert not mark.exists()


def test_pins_do_not_replace_a_signature(signed: Path, mark: Path) -> None:
    """Anybody can write them."""
    another_model(signed, mark)
    write_pins(signed)

    with pytest.raises(ModelLoadError, match=r"is not as model\.sig signs it"):
        load(signed, **key())
    assert not mark.exists()


def private_key(folder: Path) -> Path:
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = ed25519.Ed25519PrivateKey.generate().public_key()
    (folder / "key").write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return folder / "key"


def test_keys_that_can_not_be_used(signed: Path, tmp_path: Path) -> None:
    """Each says what a key must be."""
    (tmp_path / "text").write_text("no key")
    shutil.copy(SIGNED / "p256.pub", signed / "code.pub")
    keys = {
        tmp_path / "absent": "can't be read",
        tmp_path / "text": "no public key in PEM",
        private_key(tmp_path): "elliptic curve",
        signed / "code.pub": "in the model folder itself",
    }
    for file, told in keys.items():
        with pytest.raises(SettingsError, match=told):
            load(signed, model_key=file)


def test_a_signature_that_nobody_asks_for(signed: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says that it is not looked at."""
    caplog.set_level("INFO")

    load(signed)

    assert "model.sig is not looked at: BYO_MODEL_KEY is not set" in caplog.text


# ---- all of them are looked at in a folder that nobody prepared --------------------------------


def test_a_folder_without_any_of_it(folder: Path) -> None:
    """As ever: nothing is asked for that nobody has set."""
    joblib.dump(fitted(), folder / "model.joblib")
    (folder / "linked.txt").symlink_to(os.devnull)

    assert answer(load(folder)) == b"[0,1]"
