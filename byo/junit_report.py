"""Results in the form of JUnit's XML, which continuous integrations show."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# What XML 1.0 can't hold, in whatever form.
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One result.

    Args:
        name: what was looked at.
        seconds: how long that took.
        failure: why it failed; None where it did not.
        skipped: why it was not looked at; None where it was.
        output: what else there is to read; empty for nothing.
    """

    name: str
    seconds: float
    failure: str | None = None
    skipped: str | None = None
    output: str = ""


def write_junit(file: Path, suite: str, cases: Sequence[Case]) -> None:
    """Write the results of one suite to a file.

    Raises:
        OSError: it can't be written.
    """
    root = ElementTree.Element("testsuites")
    element = ElementTree.SubElement(
        root,
        "testsuite",
        name=_text(suite),
        tests=str(len(cases)),
        failures=str(sum(case.failure is not None for case in cases)),
        errors="0",
        skipped=str(sum(case.skipped is not None for case in cases)),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    for case in cases:
        _append(element, suite, case)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _append(element: ElementTree.Element, suite: str, case: Case) -> None:
    one = ElementTree.SubElement(
        element,
        "testcase",
        classname=_text(suite),
        name=_text(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.failure is not None:
        failure = ElementTree.SubElement(one, "failure", message=_text(case.failure))
        failure.text = _text(case.failure)
    if case.skipped is not None:
        ElementTree.SubElement(one, "skipped", message=_text(case.skipped))
    if case.output:
        ElementTree.SubElement(one, "system-out").text = _text(case.output)


def _text(text: str) -> str:
    return NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
