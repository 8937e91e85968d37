"""The folder where `serve` has installed what users' code asks for, as other processes see it.

It is on the path by ``PYTHONPATH``, which leaves out what packages say in ``.pth`` files, such as
where the source of an editable one lies.
"""

from __future__ import annotations

import os
import site
from collections.abc import Mapping

SITE_VARIABLE = "BYO_REQUIREMENTS_SITE"


def with_site(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """An environment whose Python finds the packages of a folder first."""
    path = os.pathsep.join(filter(None, [folder, environ.get("PYTHONPATH")]))
    return {**environ, "PYTHONPATH": path, SITE_VARIABLE: folder}


def activate() -> None:
    """Called in each process that imports users' code, unless it is forked from one that has."""
    folder = os.environ.get(SITE_VARIABLE)
    if folder:
        site.addsitedir(folder)
