"""S3 through boto3, with moto's server in its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from byo.objects import NoAccess, NoSuchObject, ObjectsFailed, StoreUnreachable, store_of
from byo.objects.s3_store import S3Store, _client
from tests.container.sdk.aws import moto_server
from tests.container.sdk.environments import UV, locked

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an S3 server."""
    if not UV.exists():
        pytest.skip("make setup has not installed uv, which makes moto's environment")
    log = tmp_path_factory.mktemp("moto") / "log"
    with moto_server(locked("moto"), "127.0.0.1", log) as url:
        yield url


@pytest.fixture
def _environment(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of the AWS tools, with that server as S3, and nothing of this machine's."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def bucket(_environment: None, request: pytest.FixtureRequest) -> str:
    """An empty bucket of this test's own."""
    name = re.sub(r"[^a-z]+", "-", request.node.name.lower()).strip("-")
    _client().create_bucket(Bucket=name)
    return name


def test_put_list_fetch_read(bucket: str, tmp_path: Path) -> None:
    """What is put is listed by its prefix, and comes back as it was; a folder's mark is none."""
    store, prefix = store_of(f"s3://{bucket}/in/")
    large = os.urandom(3 * 1024 * 1024)
    (tmp_path / "large").write_bytes(large)

    assert store.put(f"{prefix}a b.csv", b"1,2\n", "text/csv") == f"s3://{bucket}/in/a b.csv"
    store.put(f"{prefix}large", tmp_path / "large", "application/x-npy")
    store.put("other", b"")
    store.put(f"{prefix}sub/", b"")

    listed = list(store.list(prefix))
    assert [(info.key, info.size) for info in listed] == [
        ("in/a b.csv", 4),
        ("in/large", len(large)),
    ]
    assert store.fetch("in/large", tmp_path / "new" / "x") == listed[1]
    assert (tmp_path / "new" / "x").read_bytes() == large
    assert store.read("in/a b.csv") == b"1,2\n"
    kinds = [_client().head_object(Bucket=bucket, Key=info.key)["ContentType"] for info in listed]
    assert kinds == ["text/csv", "application/x-npy"]


def test_a_list_of_several_pages(bucket: str) -> None:
    """S3 gives a thousand keys at a time."""
    store = S3Store(bucket)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: store.put(f"{i:04}", b""), range(1005)))

    assert [info.key for info in store.list("")] == [f"{i:04}" for i in range(1005)]


def test_what_is_not_there(bucket: str, tmp_path: Path) -> None:
    """An object, a bucket: each named."""
    store, key = store_of(f"s3://{bucket}/none")
    with pytest.raises(NoSuchObject) as failed:
        store.fetch(key, tmp_path / "x")
    assert str(failed.value) == f"s3://{bucket}/none: there is no such object"
    assert not (tmp_path / "x").exists()

    store, key = store_of("s3://no-such-bucket/x")
    for use in (
        lambda: store.read(key),
        lambda: list(store.list(key)),
        lambda: store.put(key, b""),
        lambda: store.put(key, tmp_path / "file"),
    ):
        (tmp_path / "file").write_bytes(b"1")
        with pytest.raises(NoSuchObject, match="s3://no-such-bucket/x: there is no bucket"):
            use()

    with pytest.raises(NoSuchObject, match="names a bucket, and no object"):
        S3Store(bucket).read("")


def test_without_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what sets them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(NoAccess, match=rf"s3://{bucket}/x: .*credentials.*aws configure"):
        S3Store(bucket).read("x")


@pytest.mark.usefixtures("_environment")
def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that does not answer is no object that is missing."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setattr("byo.objects.s3_store.ATTEMPTS", 1)

    with pytest.raises(StoreUnreachable, match="s3://some-bucket/x can't be reached"):
        S3Store("some-bucket").read("x")


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AccessDenied", NoAccess), ("SlowDown", StoreUnreachable), ("Whatever", ObjectsFailed)],
)
def test_what_s3_says(bucket: str, monkeypatch: pytest.MonkeyPatch, code: str, kind: Any) -> None:
    """Is told apart, with its code."""
    from botocore.exceptions import ClientError

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")

    monkeypatch.setattr(_client(), "get_object", refuse)
    with pytest.raises(ObjectsFailed, match=code) as failed:
        S3Store(bucket).read("x")
    assert type(failed.value) is kind


def test_a_body_that_breaks_off_is_fetched_again(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the beginning; boto3 itself does not ask again once a body has begun."""
    from botocore.exceptions import IncompleteReadError

    store, broken = S3Store(bucket), [1, 2]
    store.put("x", b"whole")
    fetch = S3Store._fetch

    def sometimes(self: S3Store, key: str, to: Path) -> Any:
        if broken.pop():
            broken.append(0)
            raise IncompleteReadError(actual_bytes=1, expected_bytes=5)
        return fetch(self, key, to)

    monkeypatch.setattr(S3Store, "_fetch", sometimes)
    assert store.fetch("x", tmp_path / "x").size == 5


def test_clients_are_shared_by_threads(bucket: str) -> None:
    """One for an environment, however many ask for it at once."""
    store = S3Store(bucket)
    store.put("x", b"1")
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: store.read("x"), range(64))) == {b"1"}
        assert len(set(threads.map(lambda _: id(_client()), range(16)))) == 1
