"""A job's secret, and the certificates that every host makes of it for itself.

Every host of a job derives the same secret and of it the same certificate authority; nothing
secret travels. The authority lives as long as the job. Who knows neither the job's configuration
nor its secret file can neither join, nor read along, nor pretend to be a host.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import SettingsError

if TYPE_CHECKING:
    from cryptography import x509

JOB_VARIABLES = ("TRAINING_JOB_ARN", "TRAINING_JOB_NAME")
AUTHORITY_NAME = "byo training job"
# Clocks differ between hosts, and a training job may take 28 days.
VALID_BEFORE = datetime.timedelta(days=1)
VALID_AFTER = datetime.timedelta(days=60)


def job_secret(
    hosts: Sequence[str],
    hyperparameters: Path,
    secret_file: Path | None,
    environ: Mapping[str, str],
) -> bytes:
    """32 bytes that the hosts of one job derive alike, and of another job differently.

    Args:
        hosts: all hosts of the job.
        hyperparameters: the job's hyperparameters.json.
        secret_file: a file that only this job's hosts can read, or None for none.
        environ: the environment, with the job's name in it on SageMaker.

    Raises:
        SettingsError: the secret file can't be read, or is empty.
    """
    given = _read_secret(secret_file) if secret_file else b""
    job = {
        "hosts": sorted(hosts),
        "hyperparameters": json.loads(hyperparameters.read_text(encoding="utf-8")),
        "job": [environ.get(name, "") for name in JOB_VARIABLES],
    }
    return derive(given, json.dumps(job, sort_keys=True).encode())


def derive(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, from which neither `key` nor another purpose's can be told."""
    return hmac.digest(key, purpose, hashlib.sha256)


def _read_secret(file: Path) -> bytes:
    try:
        content = file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"BYO_CLUSTER_SECRET_FILE names {file}, which can't be read: {error.strerror}"
        ) from None
    if not content:
        raise SettingsError(f"BYO_CLUSTER_SECRET_FILE names {file}, which is empty")
    return content


def write_certificates(secret: bytes, host: str, folder: Path) -> dict[str, str]:
    """Make the authority and a certificate of this host's own.

    Args:
        secret: the job's secret.
        host: this host's name, for the certificate's subject.
        folder: a private folder, which takes the files.

    Returns:
        Dask's settings, as environment variables: TLS both ways, and nothing without it.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(subject: str, key: ec.EllipticCurvePublicKey, *, authority: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(AUTHORITY_NAME))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - VALID_BEFORE)
            .not_valid_after(now + VALID_AFTER)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_usage(authority=authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
        )
        signed = builder.sign(authority_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    authority_key = ec.derive_private_key(_scalar(secret), ec.SECP256R1())
    own_key = ec.generate_private_key(ec.SECP256R1())
    private = own_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    files = {
        "ca": certificate(AUTHORITY_NAME, authority_key.public_key(), authority=True),
        "cert": certificate(host[:64], own_key.public_key(), authority=False),
        "key": private,
    }
    for stem, content in files.items():
        file = folder / f"{stem}.pem"
        file.touch(mode=0o600)
        file.write_bytes(content)
    return _dask_settings(folder)


def _usage(*, authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _scalar(secret: bytes) -> int:
    """The authority's private key: a number in the range that its curve, P-256, has."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    digest = derive(secret, b"certificate authority 1") + derive(secret, b"certificate authority 2")
    return int.from_bytes(digest) % (order - 1) + 1


def _dask_settings(folder: Path) -> dict[str, str]:
    prefix = "DASK_DISTRIBUTED__COMM__"
    settings = {
        f"{prefix}REQUIRE_ENCRYPTION": "True",
        f"{prefix}TLS__CA_FILE": str(folder / "ca.pem"),
    }
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"{prefix}TLS__{role}__CERT"] = str(folder / "cert.pem")
        settings[f"{prefix}TLS__{role}__KEY"] = str(folder / "key.pem")
    return settings
