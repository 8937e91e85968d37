"""Known vulnerabilities, as the service of the OSV database lists them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import requests
from image_contents import OWN, Contents
from jar_libraries import libraries

OSV = "https://api.osv.dev/v1/query"
SECONDS = 15


class AuditFailed(Exception):
    """The service that knows of vulnerabilities did not answer; says so in one line."""


@dataclass(frozen=True)
class Finding:
    """One vulnerability of one package.

    Args:
        package: the package's name.
        version: its version.
        ids: what the vulnerability is called; the database's own name first.
        fixed: the versions that have it no more.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {', '.join(self.ids)}, {self.remedy}"

    @property
    def remedy(self) -> str:
        return f"fixed in {', '.join(self.fixed)}" if self.fixed else "no fixed version is known"


def merged_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Each vulnerability of a package once: several lists may name it, each in its own way."""
    merged: list[Finding] = []
    for finding in findings:
        same = next(
            (
                one
                for one in merged
                if (one.package, one.version) == (finding.package, finding.version)
                and set(one.ids).intersection(finding.ids)
            ),
            None,
        )
        if same is None:
            merged.append(finding)
            continue
        ids = tuple(dict.fromkeys([*same.ids, *finding.ids]))
        fixed = tuple(dict.fromkeys([*same.fixed, *finding.fixed]))
        merged[merged.index(same)] = replace(same, ids=ids, fixed=fixed)
    return merged


def python_findings(contents: Contents, url: str) -> Iterator[Finding]:
    """Those of the Python packages, by pip-audit.

    Its usual source answers "not found" for a package that it does not know, and a mirror without
    such a service answers so for all; OSV either answers or does not.
    """
    for own in contents.root.rglob(OWN):
        own.rename(contents.root / own.name)
    folders = [part for folder in contents.site_packages for part in ("--path", str(folder))]
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv"]
        command += ["--osv-url", url, "--format", "json", "--progress-spinner", "off"]
        command += ["--cache-dir", cache, *folders]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        raise AuditFailed(f"pip-audit failed: {last}") from None
    for package in packages:
        for found in package.get("vulns", []):
            ids = (found["id"], *found["aliases"])
            yield Finding(package["name"], package["version"], ids, tuple(found["fix_versions"]))


def java_findings(contents: Contents, url: str) -> Iterator[Finding]:
    """Those of the libraries in the frontend's jar, as far as it tells their versions."""
    for group, artifact, version in libraries(contents.jar):
        if version is None:
            continue
        name = f"{group}:{artifact}"
        package = {"name": name, "ecosystem": "Maven"}
        for found in ask(url, {"package": package, "version": version}).get("vulns", []):
            ids = (found["id"], *found.get("aliases", []))
            yield Finding(name, version, ids, tuple(sorted(fixes(found, name))))


def fixes(found: dict[str, Any], name: str) -> set[str]:
    return {
        event["fixed"]
        for affected in found.get("affected", [])
        if affected["package"]["name"] == name
        for span in affected.get("ranges", [])
        for event in span["events"]
        if "fixed" in event
    }


def ask(url: str, query: dict[str, Any]) -> dict[str, Any]:
    """What OSV answers.

    Raises:
        AuditFailed: it does not, or with something else.
    """
    try:
        answer = requests.post(url, json=query, timeout=SECONDS)
        answer.raise_for_status()
        document = answer.json()
    except requests.RequestException as error:
        raise AuditFailed(f"{url} can't be reached ({type(error).__name__})") from None
    return document if isinstance(document, dict) else {}
