"""Jobs against small containers, by the command as it is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from byo.cli.main import build_parser
from byo.transform import invoking
from tests.transform.stub_container import Stub, serving

Transform = Callable[..., int]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub()) as running:
        yield running


@pytest.fixture
def transform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transform:
    """Run `byo transform` in the test's own folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> int:
        given = ["transform", *map(str, arguments)]
        options = build_parser(["transform"]).parse_args(given)
        code: int = options.run(options)
        return code

    return run


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are sent again at once."""
    monkeypatch.setattr(invoking, "PAUSE_SECONDS", 0.0)
