"""The Debian packages of an image, the Java runtime that was linked from one, and Python."""

from __future__ import annotations

from collections.abc import Iterator

from cyclonedx.model.component import Component, ComponentType
from image_contents import Contents
from packageurl import PackageURL

DISTRIBUTION = "debian-12"


def system_components(contents: Contents) -> Iterator[Component]:
    for line in contents.packages:
        name, version, architecture, source = line.split("\t")
        yield debian_component(name, version, architecture, source)
    name, version, architecture = contents.java["DEBIAN_PACKAGE"].split()
    yield debian_component(name, version, architecture, name)
    yield component("cpython", PackageURL("generic", None, "cpython", contents.python))


def debian_component(name: str, version: str, architecture: str, source: str) -> Component:
    qualifiers = {"arch": architecture, "distro": DISTRIBUTION}
    if source != name:
        qualifiers["upstream"] = source
    return component(name, PackageURL("deb", "debian", name, version, qualifiers))


def component(name: str, purl: PackageURL) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=purl.version,
        purl=purl,
        bom_ref=purl.to_string(),
    )
