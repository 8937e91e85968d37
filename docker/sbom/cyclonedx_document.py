"""One CycloneDX document of everything."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from image_contents import Contents
from jar_libraries import Library
from packageurl import PackageURL

OWN = "byo"


def python_bom(contents: Contents) -> Bom:
    """The Python packages, by cyclonedx-py.

    It asks an interpreter for its path; the image's own can't run here, so a stand-in answers.
    """
    interpreter = contents.root / "python"
    folders = json.dumps([str(folder) for folder in contents.site_packages])
    interpreter.write_text(f"#!/bin/sh\nprintf %s '{folders}'\n", encoding="utf-8")
    interpreter.chmod(0o755)
    command = (sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible")
    done = subprocess.run([*command, interpreter], check=True, stdout=subprocess.PIPE)
    bom: Bom = Bom.from_json(json.loads(done.stdout))
    return bom


def java_components(libraries: Iterable[Library]) -> Iterator[Component]:
    for group, artifact, version in libraries:
        purl = PackageURL("maven", group, artifact, version)
        yield Component(
            type=ComponentType.LIBRARY,
            group=group,
            name=artifact,
            version=version,
            purl=purl,
            bom_ref=purl.to_string(),
        )


def merged(contents: Contents, bom: Bom, others: Iterable[Component]) -> Bom:
    """The document of the image: its Python packages and the others."""
    image = Component(
        type=ComponentType.CONTAINER, name=contents.image, version=contents.digest, bom_ref="image"
    )
    for component in bom.components:
        if component.name == OWN:
            component.purl = None  # no index holds it
    bom.components.update(others)
    bom.metadata.component = image
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, contents.digest)
    bom.register_dependency(image, bom.components)
    return bom


def validated(bom: Bom) -> str:
    """The document as text.

    Raises:
        ValueError: it is not as the format demands.
    """
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        raise ValueError(f"the document is not valid CycloneDX: {error}")
    return text
