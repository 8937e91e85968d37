"""Write down what an image is made of, and list what is known to be vulnerable in it.

    python docker/sbom IMAGE FILE [--database ZIP]...

FILE becomes one CycloneDX document of the image's Python packages, Debian packages and Java
libraries; what is known to be vulnerable is printed. The exit code is 1 if something is that
allowed.toml does not list, or lists for a day that has passed, or if that can't be told; the
document has been written by then.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from allowed import FILE as ALLOWED
from allowed import AllowedUnreadable, Verdict, judge, read_allowed
from cyclonedx.model.bom import Bom
from cyclonedx_document import java_components, merged, python_bom, validated
from debian_packages import system_components
from image_contents import Contents, ImageFailed, unpacked
from jar_libraries import libraries
from osv_database import MAVEN, PYPI, OsvDatabase
from vulnerabilities import (
    OSV,
    AuditFailed,
    Finding,
    java_findings,
    merged_findings,
    python_findings,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image")
    parser.add_argument("file", type=Path)
    parser.add_argument("--osv-url", default=OSV, metavar="URL", help="of the service to ask")
    parser.add_argument(
        "--database",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a zip of the OSV database in place of the service: that of PyPI, that of Maven",
    )
    parser.add_argument("--allowed", type=Path, default=ALLOWED, metavar="FILE")
    options = parser.parse_args()
    try:
        entries = read_allowed(options.allowed)
        with unpacked(options.image) as contents:
            bom = describe(contents, options.file)
            findings = found(contents, bom, options.osv_url, options.database)
            verdict = judge(merged_findings(findings), entries, datetime.date.today())
    except (ImageFailed, AllowedUnreadable) as error:
        sys.exit(f"sbom: {error}")
    except AuditFailed as error:
        say(f"vulnerabilities are not listed: {error}")
        return 1
    tell(verdict, options.allowed)
    return 0 if verdict.is_good else 1


def describe(contents: Contents, file: Path) -> Bom:
    """Write the document of what an image is made of."""
    python = python_bom(contents)
    others = [*system_components(contents), *java_components(libraries(contents.jar))]
    bom = merged(contents, python, others)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(validated(bom), encoding="utf-8")
    say(f"{file}: {len(bom.components)} components of {contents.image}")
    return bom


def found(contents: Contents, bom: Bom, url: str, files: Sequence[Path]) -> Iterator[Finding]:
    """What is known to be vulnerable, by files of the database or else by its service."""
    if not files:
        yield from java_findings(contents, url)
        yield from python_findings(contents, url)
        return
    database = OsvDatabase(files)
    for component in bom.components:
        purl = component.purl
        if purl is None or purl.version is None or purl.type not in ("maven", "pypi"):
            continue
        if purl.type == "maven":
            yield from database.findings(MAVEN, f"{purl.namespace}:{purl.name}", purl.version)
        else:
            yield from database.findings(PYPI, purl.name, purl.version)


def tell(verdict: Verdict, allowed: Path) -> None:
    """Print a line for each known vulnerability, and what is made of it."""
    for finding, entry in verdict.allowed:
        say(f"allowed until {entry.review_by}: {finding}: {entry.reason}")
    for entry in verdict.unused:
        say(f"{entry.id} is in {allowed.name} and was not found: take it out")
    for finding, entry in verdict.overdue:
        say(f"to be looked at again since {entry.review_by}: {finding}: {entry.reason}")
    for finding in verdict.refused:
        say(f"not in {allowed.name}: {finding}")
    say(
        f"{len(verdict.allowed)} known vulnerabilities of Python packages and Java libraries are "
        f"allowed, {len(verdict.overdue)} are to be looked at again, {len(verdict.refused)} are new"
    )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
