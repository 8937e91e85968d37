"""``make sbom``: what is known to be vulnerable is allowed with a reason, or fails; offline too."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handler.serve import frontend_configuration
from handler.serve.java_runtime import model_server_home
from tests.container.sdk.environments import UV, locked

ROOT = Path(__file__).parent.parent
SBOM = ROOT / "docker" / "sbom"
JAR = model_server_home() / "mms" / "frontend" / "model-server.jar"
TODAY = datetime.date(2027, 1, 1)


@pytest.fixture
def sbom(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of docker/sbom, which is a program and no package."""
    monkeypatch.syspath_prepend(SBOM)
    from importlib import import_module

    known = set(sys.modules)
    yield import_module
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if Path(file).parent == SBOM:
            del sys.modules[name]


def listed(folder: Path, text: str) -> Path:
    (folder / "allowed.toml").write_text(text)
    return folder / "allowed.toml"


ENTRY = '[[allowed]]\nid = "CVE-1"\nreason = "not reached"\nreview_by = 2027-01-01\n'


def test_what_is_listed_is_allowed_until_its_day(sbom: Any, tmp_path: Path) -> None:
    """By any of its names; what is not listed, or is overdue, fails."""
    allowed, found = sbom("allowed"), sbom("vulnerabilities").Finding
    listed_one = found("jar", "1", ("GHSA-x", "CVE-1"), ())
    new_one = found("other", "1", ("CVE-2",), ())
    entries = allowed.read_allowed(listed(tmp_path, ENTRY))

    def judged(day: datetime.date, *findings: Any) -> tuple[int, int, int, int, bool]:
        one = allowed.judge(findings, entries, day)
        parts = (one.allowed, one.overdue, one.refused, one.unused)
        return (*map(len, parts), one.is_good)

    assert judged(TODAY, listed_one) == (1, 0, 0, 0, True)
    assert judged(TODAY + datetime.timedelta(1), listed_one) == (0, 1, 0, 0, False)
    assert judged(TODAY, listed_one, new_one) == (1, 0, 1, 0, False)
    assert judged(TODAY) == (0, 0, 0, 1, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("allowed", "can't be read"),
        ("more = 1", "must hold tables"),
        (ENTRY.replace("reason", "because"), "entry 1 must have id, reason, review_by"),
        (ENTRY.replace("not reached", ""), "reason of entry 1"),
        (ENTRY.replace("2027-01-01", '"2027-01-01"'), "review_by of entry 1 is no date"),
        (ENTRY.replace("2027-01-01", "2027-01-01T00:00:00"), "review_by of entry 1 is no date"),
    ],
)
def test_a_list_that_can_not_be_used(sbom: Any, tmp_path: Path, text: str, told: str) -> None:
    """It allows nothing, and says where."""
    allowed = sbom("allowed")

    with pytest.raises(allowed.AllowedUnreadable, match=told):
        allowed.read_allowed(listed(tmp_path, text))


def test_our_own_list_can_be_used(sbom: Any) -> None:
    """Each entry has a reason, and none is there twice."""
    allowed = sbom("allowed")
    ids = [entry.id for entry in allowed.read_allowed(allowed.FILE)]

    assert len(ids) == len(set(ids)) > 10
    text = (ROOT / "SECURITY.md").read_text()
    assert [one for one in ids if one not in text] == []


def record(name: str, ecosystem: str, package: str, *events: dict[str, str]) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    affected = [{"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges}]
    return {"id": name, "aliases": [f"CVE-of-{name}"], "affected": affected}


def since(first: str = "0", **end: str) -> list[dict[str, str]]:
    return [{"introduced": first}, *({kind: text} for kind, text in end.items())]


NETTY = "io.netty:netty-codec-http"
RECORDS = [
    record("N1", "Maven", NETTY, *since(fixed="4.1.108.Final")),
    record("N2", "Maven", NETTY, *since("4.2.0.Alpha1", fixed="4.2.5.Final")),
    record("N3", "Maven", NETTY, *since(last_affected="4.1.91.Final")),
    record("N4", "Maven", NETTY, *since(last_affected="4.1.90.Final")),
    record("N5", "Maven", NETTY, *since(fixed="4.1.91.Final")),
    record("N6", "Maven", NETTY, *since(fixed="4.1.50"), *since("4.1.91")),
    record("N7", "Maven", NETTY, *since(fixed="4.1.100.Final")) | {"withdrawn": "2026"},
    record("P1", "PyPI", "Some.Package", *since(fixed="2.0")),
    record("P2", "PyPI", "some-package", *since(fixed="1.9rc1")),
]


def database(folder: Path, *records: dict[str, Any]) -> Path:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
    return folder / "all.zip"


def test_ranges_of_versions(sbom: Any, tmp_path: Path) -> None:
    """As Maven and PyPI order them."""
    one = sbom("osv_database").OsvDatabase([database(tmp_path, *RECORDS)])

    def ids(*package: str) -> list[str]:
        return [finding.ids[0] for finding in one.findings(*package)]

    assert ids("Maven", NETTY, "4.1.91.Final") == ["N1", "N3", "N6"]
    assert ids("Maven", NETTY, "4.2.0.Beta1") == ["N2", "N6"]
    assert ids("Maven", NETTY, "4.1.108.Final") == ["N6"]
    assert ids("PyPI", "some_package", "1.9") == ["P1"]
    assert ids("PyPI", "some_package", "1.9b1") == ["P1", "P2"]


def test_a_database_that_knows_half(sbom: Any, tmp_path: Path) -> None:
    """It would find nothing of the other half, and must not look as if nothing were there."""
    module, failed = sbom("osv_database"), sbom("vulnerabilities").AuditFailed
    (tmp_path / "no.zip").write_text("nothing")

    with pytest.raises(failed, match="nothing of Maven"):
        module.OsvDatabase([database(tmp_path, RECORDS[-1])])
    with pytest.raises(failed, match=r"no\.zip can't be read"):
        module.OsvDatabase([tmp_path / "no.zip"])


DOCKER = """#!{python}
import sys
what = sys.argv[1:]
if what[0] == "image":
    print("sha256:0123")
elif "dpkg-query" in what:
    print("libc6\\t2.36\\tamd64\\tglibc")
elif "--version" in what:
    print("Python 3.12.1")
else:
    sys.stdout.buffer.write(open({archive!r}, "rb").read())
"""


@pytest.fixture
def engine(tmp_path: Path) -> dict[str, str]:
    """An environment with a stand-in for docker, which has an image of one package and the jar."""
    site = "opt/venv/lib/python3.12/site-packages"
    root = tmp_path / "image"
    info = root / site / "some_package-1.8.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-package\nVersion: 1.8\n")
    (root / "opt" / "java").mkdir()
    (root / "opt" / "java" / "release").write_text('DEBIAN_PACKAGE="openjdk 17 amd64"\n')
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(root, ".")
        archive.add(JAR, f"{site}/mms/frontend/model-server.jar")
    programs = tmp_path / "bin"
    programs.mkdir()
    text = DOCKER.format(python=sys.executable, archive=str(tmp_path / "image.tar"))
    (programs / "docker").write_text(text)
    (programs / "docker").chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.mark.slow
@pytest.mark.skipif(not UV.exists(), reason="make setup has not installed uv")
def test_without_a_network(engine: dict[str, str], tmp_path: Path) -> None:
    """The bill is written, what is not listed fails, and nothing does once it is listed."""
    records = database(tmp_path, *RECORDS)
    command = [locked("sbom"), SBOM, "byo", tmp_path / "sbom.json", "--database", records]
    entries = "".join(
        ENTRY.replace("CVE-1", f"CVE-of-{name}").replace("2027", "9999")
        for name in ("N1", "N3", "P1", "P2")
    )
    last = ENTRY.replace("CVE-1", "N6")

    def run(text: str) -> tuple[int, str]:
        more = ("--allowed", listed(tmp_path, text))
        done = subprocess.run(
            [*command, *more], env=engine, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout + done.stderr

    code, said = run(entries)
    assert code == 1, said
    assert f"not in allowed.toml: {NETTY} 4.1.91.Final: N6, CVE-of-N6" in said
    code, said = run(entries + last.replace("2027", "2001"))
    assert (code, "looked at again since 2001-01-01" in said) == (1, True), said
    code, said = run(entries + last.replace("2027", "9999"))
    assert (code, "5 known vulnerabilities" in said) == (0, True), said
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert "pkg:pypi/some-package@1.8" in {one.get("purl") for one in bill["components"]}


# What SECURITY.md says of the frontend, by the names that stand in its own classes.
NOT_REACHED: dict[str, Callable[[bytes], bool]] = {
    "decompressors": lambda code: b"Decompressor" in code,
    "HTTP/2": lambda code: b"netty/handler/codec/http2" in code,
    "requests of its own": lambda code: b"HttpRequestEncoder" in code or b"HttpClient" in code,
}


@pytest.mark.parametrize("is_there", NOT_REACHED.values(), ids=NOT_REACHED)
def test_what_the_frontend_does_not_use(is_there: Callable[[bytes], bool]) -> None:
    """None of its classes, nor of the guard's, names it."""
    guard = ROOT / "handler" / "frontend" / "guard.jar"
    for jar, own in ((JAR, "com/amazonaws/ml/mms/"), (guard, "byo/frontend/")):
        with zipfile.ZipFile(jar) as archive:
            names = [one for one in archive.namelist() if one.startswith(own)]
            classes = [one for one in names if one.endswith(".class")]
            assert classes
            assert [one for one in classes if is_there(archive.read(one))] == []


def test_how_the_frontend_is_configured() -> None:
    """It logs to the console alone, and speaks no TLS."""
    layout = frontend_configuration.LOG_LAYOUT.read_text()
    appenders = layout.partition("<Appenders>")[2].partition("</Appenders>")[0]

    assert appenders.count("<Console ") == appenders.count('target="SYSTEM_OUT"') == 3
    assert [kind for kind in ("Socket", "JDBC", "SMTP", "Http", "Jms") if kind in layout] == []
    source = Path(frontend_configuration.__file__).read_text()
    assert "https://" not in source
    assert "private_key" not in source
