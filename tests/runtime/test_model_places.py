"""Where a variant's model and its code come from."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.objects import NoSuchObject
from byo.runtime.configuration import VariantConfiguration
from byo.runtime.model_places import serving_algorithm, single_model_tree


def archive(file: Path) -> None:
    """A model.tar.gz with one file in it."""
    with tarfile.open(file, "w:gz") as opened:
        member = tarfile.TarInfo("model.txt")
        member.size = 7
        opened.addfile(member, io.BytesIO(b"weights"))


def test_an_archive_of_s3_is_fetched_and_unpacked(bucket: Path, tmp_path: Path) -> None:
    archive(bucket / "model.tar.gz")
    configuration = VariantConfiguration(model_data="s3://inputs/model.tar.gz")

    paths = single_model_tree(configuration, tmp_path / "instance")

    assert (paths.model / "model.txt").read_bytes() == b"weights"


def test_a_folder_is_used_where_it_lies(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.txt").write_bytes(b"weights")

    paths = single_model_tree(VariantConfiguration(model_data=str(model)), tmp_path / "instance")

    assert paths.model.resolve() == model.resolve()


def test_what_is_not_in_the_bucket_is_told(bucket: Path, tmp_path: Path) -> None:
    with pytest.raises(NoSuchObject, match=r"s3://inputs/none\.tar\.gz"):
        single_model_tree(
            VariantConfiguration(model_data="s3://inputs/none.tar.gz"), tmp_path / "instance"
        )


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no model\.tar\.gz"):
        single_model_tree(
            VariantConfiguration(model_data="s3://inputs/model.joblib"), tmp_path / "instance"
        )


def test_the_code_is_the_folder_named_else_a_usual_one_else_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = tmp_path / "mine"
    named.mkdir()
    model = VariantConfiguration(model_data="model")
    instance = tmp_path / "instance"

    of_name = serving_algorithm(
        VariantConfiguration(model_data="model", algorithm=named), instance, {}
    )
    nothing = serving_algorithm(model, instance, {})
    (tmp_path / "inference.py").touch()
    usual = serving_algorithm(model, instance, {})

    assert of_name.folder == named
    assert list(nothing.folder.iterdir()) == []
    assert usual.folder == tmp_path
