"""``model.sig``: an OpenSSF Model Signing signature over a model folder, by a key.

It is what ``model_signing sign key`` writes: a bundle of Sigstore's form, in it a DSSE envelope, in
that an in-toto statement with the digest of each file. Only signatures by a key are checked, not
those by a certificate or without a key, which take a service to ask.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import ModelLoadError, SettingsError
from contract.folder_digests import Difference, FolderDigests
from contract.model_pins import SIGNATURE_NAME
from contract.settings import MODEL_KEY_VARIABLE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

BUNDLE = "application/vnd.dev.sigstore.bundle"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://model_signing/signature/v1.0"
METHOD = "files"
ALGORITHMS = ("sha256", "blake2b")
MOST_BYTES = 64 * 1024 * 1024


class _Unfit(Exception):
    """The signature can't be used; says why, as a clause about it."""


def check_signature(model_dir: Path, key_file: Path, found: FolderDigests) -> int:
    """See that the key signs a model folder as it is; returns how many files that are.

    Args:
        model_dir: the model folder.
        key_file: the public key, as PEM.
        found: the digests of the folder's files.

    Raises:
        ModelLoadError: there is no signature, it is by another key, or the folder is another; the
            message names the files.
        SettingsError: the key can't be used.
    """
    key = load_key(key_file)
    if key_file.resolve().is_relative_to(model_dir.resolve()):
        raise SettingsError(
            f"{MODEL_KEY_VARIABLE} names {key_file}, in the model folder itself: whoever changes "
            "the model could change the key"
        )
    file = model_dir / SIGNATURE_NAME
    if SIGNATURE_NAME not in found.names:
        raise ModelLoadError(
            f"{model_dir} has no {SIGNATURE_NAME}, which {MODEL_KEY_VARIABLE} asks for: "
            f"`model_signing sign key {model_dir} --signature {file} --private_key KEY` writes it"
        )
    try:
        algorithm, signed = _signed_digests(_statement(_bundle(file), key))
    except _Unfit as error:
        raise ModelLoadError(f"{file} {error}: nothing of {model_dir} is loaded") from None
    difference = Difference.between(signed, found, algorithm)
    difference.added = [name for name in difference.added if name != SIGNATURE_NAME]
    if difference:
        raise ModelLoadError(
            f"{model_dir} is not as {SIGNATURE_NAME} signs it ({difference}): nothing of it is "
            "loaded. Who has the private key can sign it anew"
        )
    return len(signed)


def load_key(file: Path) -> EllipticCurvePublicKey:
    """The public key in a PEM file.

    Raises:
        SettingsError: there is none that can be used.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        raise SettingsError(
            f"{MODEL_KEY_VARIABLE} takes the package cryptography: pip install cryptography"
        ) from None
    try:
        key = load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"{MODEL_KEY_VARIABLE} names {file}, which can't be read: {error.strerror}"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(
            f"{MODEL_KEY_VARIABLE} names {file}, which is no public key in PEM"
        ) from None
    if not isinstance(key, EllipticCurvePublicKey) or key.key_size not in (256, 384, 521):
        raise SettingsError(
            f"{MODEL_KEY_VARIABLE} names {file}, which must be a key on the elliptic curve P-256, "
            "P-384 or P-521"
        )
    return key


def _bundle(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _Unfit(f"has more than {MOST_BYTES} bytes")
        bundle = json.loads(file.read_bytes())
    except OSError as error:
        raise _Unfit(f"can't be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise _Unfit("is not JSON") from None
    if not isinstance(bundle, dict) or not str(bundle.get("mediaType")).startswith(BUNDLE):
        raise _Unfit("is no bundle of Sigstore's form")
    return bundle


def _statement(bundle: dict[str, Any], key: EllipticCurvePublicKey) -> dict[str, Any]:
    """What is signed, once the signature has been found good."""
    try:
        envelope = bundle["dsseEnvelope"]
        payload_type = str(envelope["payloadType"])
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]
        ]
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
        raise _Unfit("holds no DSSE envelope") from None
    if not any(_is_by(key, each, _to_be_signed(payload_type, payload)) for each in signatures):
        raise _Unfit(_why_not_by(key, bundle))
    if payload_type != PAYLOAD_TYPE:
        raise _Unfit(f"signs something else than {PAYLOAD_TYPE}")
    try:
        statement = json.loads(payload)
    except (ValueError, RecursionError):
        statement = None
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise _Unfit("signs something else than an in-toto statement")
    if statement.get("predicateType") != PREDICATE:
        raise _Unfit(f"signs something else than a model by {PREDICATE}")
    return statement


def _signed_digests(statement: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The algorithm, and the digest of each file, that a statement has."""
    try:
        method = statement["predicate"]["serialization"]["method"]
        resources = [
            (str(each["name"]), str(each["algorithm"]), bytes.fromhex(each["digest"]))
            for each in statement["predicate"]["resources"]
        ]
        root = [each["digest"]["sha256"] for each in statement["subject"]]
    except (KeyError, TypeError, ValueError):
        raise _Unfit("lacks what a model's statement has") from None
    if method != METHOD:
        raise _Unfit(f"signs parts of files ({method}): sign whole files, as model_signing does")
    algorithms = {algorithm for _, algorithm, _ in resources}
    if len(algorithms) != 1 or not algorithms.issubset(ALGORITHMS):
        raise _Unfit(f"has digests by {_either(algorithms)}, and not by {_either(ALGORITHMS)}")
    whole = hashlib.sha256(b"".join(digest for _, _, digest in resources)).hexdigest()
    names = [posixpath.normpath(name) for name, _, _ in resources]
    if root != [whole] or len(set(names)) != len(names):
        raise _Unfit("contradicts itself")
    return algorithms.pop(), {
        name: digest.hex() for name, (_, _, digest) in zip(names, resources, strict=True)
    }


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names)) or "none"


def _to_be_signed(payload_type: str, payload: bytes) -> bytes:
    """What DSSE signs: the payload, its type, and how long each of them is."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _is_by(key: EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    kinds = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    try:
        key.verify(signature, content, ec.ECDSA(kinds[key.key_size]))
    except InvalidSignature:
        return False
    return True


def _why_not_by(key: EllipticCurvePublicKey, bundle: dict[str, Any]) -> str:
    """Why none of the signatures is by a key, as far as the bundle tells."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    material = bundle.get("verificationMaterial")
    material = material if isinstance(material, dict) else {}
    public = material.get("publicKey")
    if not isinstance(public, dict):
        return f"is not by a key, and {MODEL_KEY_VARIABLE} names one"
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if public.get("hint") not in (None, hashlib.sha256(pem).hexdigest()):
        return f"is by another key than {MODEL_KEY_VARIABLE} names"
    return f"is not by the key that {MODEL_KEY_VARIABLE} names, or what it signs was changed"
