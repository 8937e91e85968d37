"""Signatures of OpenSSF's form, as the real tool writes them, and what is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest

from contract.errors import ModelLoadError, SettingsError
from contract.model_pins import write_pins
from tests.serving.conftest import FIXTURES
from tests.serving.safe.loading import Trap, answer, load

# Made once by model_signing 1.1.1, as fixtures/signed_models/README.md has it.
SIGNED = FIXTURES / "signed_models"


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
