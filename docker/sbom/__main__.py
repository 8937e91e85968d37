"""Write down what an image is made of, and list what is known to be vulnerable in it.

    python docker/sbom IMAGE FILE

FILE becomes one CycloneDX document of the image's Python packages, Debian packages and Java
libraries; what is known to be vulnerable is printed. The exit code is 1 if the service that knows
can't be reached; the document has been written by then.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cyclonedx_document import java_components, merged, python_bom, validated
from debian_packages import system_components
from image_contents import Contents, ImageFailed, unpacked
from jar_libraries import libraries
from vulnerabilities import OSV, AuditFailed, java_findings, python_findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image")
    parser.add_argument("file", type=Path)
    parser.add_argument("--osv-url", default=OSV, metavar="URL", help="of the service to ask")
    options = parser.parse_args()
    try:
        return describe(options.image, options.file, options.osv_url)
    except ImageFailed as error:
        sys.exit(f"sbom: {error}")


def describe(image: str, file: Path, url: str) -> int:
    with unpacked(image) as contents:
        others = [*system_components(contents), *java_components(libraries(contents.jar))]
        bom = merged(contents, python_bom(contents), others)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(validated(bom), encoding="utf-8")
        say(f"{file}: {len(bom.components)} components of {image}")
        return audit(contents, url)


def audit(contents: Contents, url: str) -> int:
    """Print a line for each known vulnerability; 1 if they can't be told."""
    try:
        findings = [*java_findings(contents, url), *python_findings(contents, url)]
    except AuditFailed as error:
        say(f"vulnerabilities are not listed: {error}")
        return 1
    for finding in findings:
        say(f"{finding.package} {finding.version}: {finding.names}, {finding.remedy}")
    say(f"{len(findings)} known vulnerabilities of Python packages and Java libraries")
    return 0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
