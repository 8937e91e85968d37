"""What becomes of an object: an archive is unpacked safely, a folder or a file is copied."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from byo.objects import DiskFull
from byo.runtime.models import ModelDataInvalid, model_files, unpack_model
from tests.runtime_models.places import SIZE, CountingStore, archive, ask, cache_of, store_with
from tests.runtime_models.stub_container import SIZE_FILE, StubContainer

Change = Callable[[tarfile.TarInfo], object]


def odd_archive(change: Change, content: bytes = b"1") -> bytes:
    """An archive with one member that is changed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as writer:
        member = tarfile.TarInfo("model.joblib")
        member.size = len(content)
        change(member)
        writer.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _link(kind: bytes, target: str) -> Change:
    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname, member.size = kind, target, 0

    return change


def _named(name: str) -> Change:
    return lambda member: setattr(member, "name", name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (odd_archive(_link(tarfile.SYMTYPE, "/etc/passwd")), "holds a link, model.joblib"),
        (odd_archive(_link(tarfile.SYMTYPE, "beside")), "holds a link"),
        (odd_archive(_link(tarfile.LNKTYPE, "beside")), "holds a link"),
        (odd_archive(_link(tarfile.CHRTYPE, "")), "neither a file nor a folder"),
        (odd_archive(_link(tarfile.FIFOTYPE, "")), "neither a file nor a folder"),
        (odd_archive(_named("../outside")), "outside the destination"),
        (odd_archive(_named("a/../../outside")), "outside the destination"),
        (b"", "can't be unpacked"),
        (b"not an archive", "can't be unpacked"),
        (archive({"model.joblib": bytes(range(256)) * 400})[:500], "can't be unpacked"),
        (archive({}), "it is empty"),
    ],
    # Not by their content, in which the time is that of the process.
    ids=["link", "link beside", "hard link", "device", "pipe", "outside", "outside of a folder",
         "nothing", "no archive", "cut off", "empty"],
)  # fmt: skip
def test_archives_that_are_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """Nothing of them is left, and the client is told in AWS's words."""

    async def scenario() -> None:
        store, folder = CountingStore(tmp_path / "s"), tmp_path / "models"
        store.put("a.tar.gz", content)
        async with cache_of(StubContainer(), store, folder) as cache:
            with pytest.raises(ModelDataInvalid, match=why) as failed:
                await ask(cache, "a.tar.gz")
            text = str(failed.value)
            url = (tmp_path / "s" / "a.tar.gz").as_uri()
            assert text.startswith(f'Failed to extract model data archive from URL "{url}"')
            assert [entry.name for entry in folder.iterdir()] == [".staging"]
            assert not any((folder / ".staging").iterdir())
        assert not (tmp_path / "outside").exists()

    asyncio.run(scenario())


def test_an_absolute_path_stays_inside(tmp_path: Path) -> None:
    """As tar itself does: without the slash that it begins with."""
    packed = tmp_path / "a.tar"
    packed.write_bytes(odd_archive(_named("/etc/model.joblib")))

    assert unpack_model.unpack(packed, tmp_path / "model", 100) == 1
    assert (tmp_path / "model" / "etc" / "model.joblib").read_bytes() == b"1"


def test_what_is_announced_counts(tmp_path: Path) -> None:
    """A bomb ends before it is written."""
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(archive({"a": bytes(1000), "b": bytes(10**6)}))

    with pytest.raises(unpack_model.TooLarge, match="more than the 10000 bytes"):
        unpack_model.unpack(packed, tmp_path / "model", 10_000)
    assert not (tmp_path / "model" / "b").exists()


def test_whoever_runs_the_container_can_read_it(tmp_path: Path) -> None:
    """An archive's modes may be those of its owner alone."""
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(archive({"deep/model.joblib": b"1"}))

    unpack_model.unpack(packed, tmp_path / "model", 100)

    file = tmp_path / "model" / "deep" / "model.joblib"
    assert file.stat().st_mode & 0o444 == 0o444
    assert file.parent.stat().st_mode & 0o555 == 0o555


@pytest.mark.parametrize("target", ["plain", "inner", "plain/size"])
def test_models_that_lie_here_unpacked(tmp_path: Path, target: str) -> None:
    """A folder, a folder of SageMaker's form, a file: copied, with a name that is as opaque."""

    async def scenario() -> None:
        store, folder = CountingStore(tmp_path / "s"), tmp_path / "models"
        store.put("plain/size", str(SIZE).encode())
        store.put("plain/signature.json", b"{}")
        store.put("inner/model/size", str(SIZE).encode())
        store.put("inner/model/code/inference.py", b"")
        stub = StubContainer()
        async with cache_of(stub, store, folder) as cache:
            assert await ask(cache, target) == f"{target}:x"
            place = folder / next(iter(stub.models)) / "model"
            found = {file.relative_to(place).as_posix() for file in place.rglob("*.*")}
            more = {"inner": "code/inference.py"}.get(target, "signature.json")
            assert found == {more}
            assert (place / SIZE_FILE).read_bytes() == str(SIZE).encode()

    asyncio.run(scenario())


def test_another_content_has_another_name(tmp_path: Path) -> None:
    """Once its files are gone, a model that was replaced in the store is another one."""

    async def scenario() -> None:
        store, folder, stub = (
            store_with(tmp_path / "s", ["a.tar.gz"]),
            tmp_path / "m",
            StubContainer(),
        )
        async with cache_of(stub, store, folder, caching=False) as cache:
            await ask(cache, "a.tar.gz")
            await asyncio.gather(*cache._tasks)
            store.put("a.tar.gz", archive({SIZE_FILE: b"77"}))
            await ask(cache, "a.tar.gz")
            first, second = stub.targets
            assert first != second

    asyncio.run(scenario())


def test_models_of_before_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    """A folder that is used again begins empty."""

    async def scenario() -> None:
        folder = tmp_path / "models"
        (folder / ("0" * 32) / "model").mkdir(parents=True)
        (folder / ".staging" / "half").mkdir(parents=True)
        (folder / "notes").mkdir()
        store = store_with(tmp_path / "s", [])
        async with cache_of(StubContainer(), store, folder):
            assert sorted(entry.name for entry in folder.iterdir()) == [".staging", "notes"]
            assert not any((folder / ".staging").iterdir())

    asyncio.run(scenario())


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are not loaded go, and the download is tried again."""

    async def scenario() -> None:
        store = store_with(tmp_path / "s", ["a.tar.gz", "b.tar.gz", "c.tar.gz"])
        folder, stub = tmp_path / "models", StubContainer()
        async with cache_of(stub, store, folder, memory=SIZE) as cache:
            await ask(cache, "a.tar.gz")
            await ask(cache, "b.tar.gz")
            unpack = unpack_model.unpack

            def full(archive: Path, target: Path, most: int) -> int:
                if cache.disk > 4:
                    raise DiskFull(f"{target} can't be written: No space left on device")
                return unpack(archive, target, most)

            monkeypatch.setattr(model_files.unpack_model, "unpack", full)
            assert await ask(cache, "c.tar.gz") == "c.tar.gz:x"
            assert store.fetched["c.tar.gz"] == 2
            assert "a.tar.gz" not in cache._files
            assert "b.tar.gz" in cache._files

    asyncio.run(scenario())
