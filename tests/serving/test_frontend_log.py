"""The frontend's log follows the one level that there is."""

from __future__ import annotations

import logging
from xml.etree import ElementTree

import pytest

from contract.settings import ServingSettings
from handler.serve.frontend_configuration import log_configuration


@pytest.mark.parametrize(
    ("level", "failures", "root", "requests"),
    [
        (logging.DEBUG, "debug", "debug", "info"),
        (logging.INFO, "info", "warn", "off"),
        (logging.WARNING, "warn", "warn", "off"),
        (logging.ERROR, "error", "error", "off"),
        (logging.CRITICAL, "fatal", "fatal", "off"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_one_level_sets_java_and_python(
    level: int, failures: str, root: str, requests: str, form: str
) -> None:
    settings = ServingSettings(log_level=level, log_format=form)
    found = ElementTree.fromstring(log_configuration(settings))

    levels = {one.get("name", ""): one.get("level") for one in found.iter("Logger")}
    assert levels["byo.frontend.RequestLog"] == failures
    assert levels["ACCESS_LOG"] == requests
    assert [one.get("level") for one in found.iter("Root")] == [root]
