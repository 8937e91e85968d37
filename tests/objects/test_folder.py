"""A folder as a store: keys are paths below it, and lead nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.objects import NoAccess, NoSuchObject, ObjectsFailed, store_of, whole_file
from byo.objects.folder_store import FolderStore
from byo.objects.s3_store import S3Store


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def test_put_list_fetch_read(store: FolderStore, tmp_path: Path) -> None:
    """What is put is listed in the order of keys, and comes back as it was."""
    (tmp_path / "file").write_bytes(b"from a file")
    url = store.put("b/a name.csv", b"1,2\n", "text/csv")
    store.put("b.csv", tmp_path / "file")
    store.put("b/é/deep.csv", b"")

    assert url == (store.folder / "b" / "a name.csv").as_uri()
    assert [info.key for info in store.list("")] == ["b.csv", "b/a name.csv", "b/é/deep.csv"]
    assert [(info.key, info.size) for info in store.list("b/a")] == [("b/a name.csv", 4)]
    assert [info.key for info in store.list("b")] == ["b.csv", "b/a name.csv", "b/é/deep.csv"]
    assert list(store.list("nothing/here")) == []
    info = store.fetch("b.csv", tmp_path / "new" / "folder" / "x")
    assert (tmp_path / "new" / "folder" / "x").read_bytes() == b"from a file"
    assert info == next(store.list("b.csv"))
    assert store.read("b/a name.csv") == b"1,2\n"
    before = info.etag
    store.put("b.csv", b"other")
    assert next(store.list("b.csv")).etag != before


@pytest.mark.parametrize("key", ["", "/x", "../x", "a/../../x", "a//b", "./x", "a\0b", "x" * 300])
def test_keys_that_no_file_can_have(store: FolderStore, tmp_path: Path, key: str) -> None:
    """They name nothing, and nothing is written by them."""
    store.put("a/x", b"1")
    (tmp_path / "x").write_bytes(b"outside")

    with pytest.raises(NoSuchObject):
        store.read(key)
    with pytest.raises(ObjectsFailed):
        store.put(key, b"2")
    assert (tmp_path / "x").read_bytes() == b"outside"


def test_what_is_not_there(store: FolderStore, tmp_path: Path) -> None:
    """The message has the file; nothing is left where it was to be written."""
    with pytest.raises(NoSuchObject, match="store is not a folder"):
        list(store.list(""))
    store.put("a/x", b"1")

    for key in ("b", "a", "a/x/y"):
        with pytest.raises(NoSuchObject, match=f"{store.folder / key}: there is no such file"):
            store.fetch(key, tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(store: FolderStore) -> None:
    """Is told apart from what is not there."""
    store.put("x", b"1")
    store.path("x").chmod(0)

    with pytest.raises(NoAccess, match="Permission denied"):
        store.read("x")


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that fails half way is as it was; nobody lists what is half there."""
    file = tmp_path / "x"
    file.write_bytes(b"old")
    store = FolderStore(tmp_path)

    def half() -> None:
        with whole_file(file) as stream:
            stream.write(b"new")
            stream.flush()
            assert [info.key for info in store.list("")] == ["x"]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()

    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_in_the_way(store: FolderStore) -> None:
    """Is said, with the place."""
    store.put("a", b"1")

    with pytest.raises(ObjectsFailed, match=f"{store.folder}/a/b can't be written"):
        store.put("a/b", b"2")


def test_links_are_followed_but_not_round_in_circles(store: FolderStore, tmp_path: Path) -> None:
    """Who owns the folder made them."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_bytes(b"1")
    store.put("own", b"2")
    (store.folder / "link").symlink_to(tmp_path / "elsewhere")
    (store.folder / "circle").symlink_to(store.folder)
    (store.folder / "dangling").symlink_to(tmp_path / "nothing")

    assert [info.key for info in store.list("")] == ["link/x", "own"]
    assert store.read("link/x") == b"1"


def test_places(tmp_path: Path) -> None:
    """A folder, a file, their URLs, S3; and what is none of these."""
    file = tmp_path / "a file"
    file.write_bytes(b"1")
    for place, expected in (
        (file, (tmp_path, "a file")),
        (file.as_uri(), (tmp_path, "a file")),
        (str(tmp_path), (tmp_path, "")),
        (tmp_path.as_uri(), (tmp_path, "")),
        (tmp_path / "new", (tmp_path / "new", "")),
    ):
        store, key = store_of(place)
        assert isinstance(store, FolderStore)
        assert (store.folder, key) == expected

    for s3, prefix in (("s3://one/x/y/", "x/y/"), ("s3://one", ""), ("s3://one/x", "x")):
        store, key = store_of(s3)
        assert isinstance(store, S3Store)
        assert (store.bucket, key) == ("one", prefix)


@pytest.mark.parametrize(
    "place", ["", "ftp://host/x", "s3://", "s3:///x", "http://", "https:///x", "file://host/x"]
)
def test_no_places(place: str) -> None:
    """Refused, with what would be one."""
    with pytest.raises(UsageError):
        store_of(place)
