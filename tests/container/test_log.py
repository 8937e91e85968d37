"""The log of the image: JSON where a machine reads it, text on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract import Paths
from tests.container.engine import container, docker, mount, published, run, serving, settings
from tests.container.models import PENGUINS, with_code

pytestmark = pytest.mark.slow

SAYS = """\
import os
print("while importing")
def predict_fn(data, model):
    print("no end", end="")
    os.write(2, b"from a library")
    raise KeyError(os.environ["MY_TOKEN"])
"""
AS_IN_THE_IMAGE = settings(BYO_LOG_FORMAT="auto", MY_TOKEN="abcdef-123456")


def messages(log: str) -> list[str]:
    """What the lines say, each an object of JSON."""
    return [str(json.loads(line)["message"]) for line in log.splitlines()]


def test_every_line_is_an_object(image: str, trained: Paths, tmp_path: Path) -> None:
    """Of a server's whole life."""
    model = with_code(trained, tmp_path / "model", {"inference.py": SAYS})
    options = [*AS_IN_THE_IMAGE, *mount(model, "/opt/ml/model", read_only=True)]
    with serving(image, *options) as one:
        with one.client() as client:
            assert client.invoke(PENGUINS, "text/csv").status == 500
        one.stop()
        said = messages(one.log())

    assert [one for one in said if one.startswith("500 KeyError: '***'")]
    assert {"while importing", "no end", "from a library", "stopping on SIGTERM"} <= set(said)


def test_the_reason_for_an_end_is_an_object(image: str) -> None:
    ended = run(image, "serve", options=AS_IN_THE_IMAGE)

    assert ended.code == 4
    assert messages(ended.log)[-1].startswith("there is no model directory")


def test_a_terminal_shows_text(image: str, trained: Paths) -> None:
    options = [*published(), "--tty", *AS_IN_THE_IMAGE]
    options += mount(trained.model, "/opt/ml/model", read_only=True)
    with container(image, "serve", options=options) as one:
        one.until_logged("serve: ready on ")


def test_the_image_sets_it(image: str) -> None:
    environment = json.loads(docker("image", "inspect", image))[0]["Config"]["Env"]

    assert "BYO_LOG_FORMAT=auto" in environment
