"""No body of any format is a bug: damaged ones, and all that once were one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.codecs.reading import Reader, check_reading, started_reader

from .mutations import VALID, damaged

# `make fuzz` sets many more; what fails is shown as a body, and is kept as a file of the corpus.
EXAMPLES = int(os.environ.get("BYO_FUZZ_EXAMPLES", "50"))
CORPUS = Path(__file__).parent / "corpus"
MODELS = ["unknown", "numbers", "table", "one", "texts", "integers", "dates", "spans", "objects"]
KINDS = {content_type.rpartition("/")[2]: content_type for content_type in VALID}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with started_reader(tmp_path_factory.mktemp("reading")) as process:
        yield process


@pytest.mark.slow
@pytest.mark.timeout(0 if "BYO_FUZZ_EXAMPLES" in os.environ else 180)
@pytest.mark.parametrize("kind", KINDS)
def test_no_damaged_body_is_a_bug(reader: Reader, kind: str) -> None:
    """It is answered or refused within bounds, by one short line, and the process lives on."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(body=damaged(KINDS[kind]), model=st.sampled_from(MODELS))
    def check(body: bytes, model: str) -> None:
        check_reading(reader.read(KINDS[kind], model, body), body)

    check()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("file", sorted(CORPUS.iterdir()), ids=lambda file: file.name)
def test_what_was_a_bug_is_none(reader: Reader, file: Path, model: str) -> None:
    """Each file is a body that once ended a process, was answered with a 500, or said too much."""
    content_type = KINDS[file.name.partition("=")[0]]

    check_reading(reader.read(content_type, model, file.read_bytes()), file.read_bytes())
