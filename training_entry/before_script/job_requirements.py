"""What a requirements file asks of pip: whether there is anything to do, and why it failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.errors import UserCodeError
from training_entry.script.failure_report import describe_installation

PIP_LOG_VARIABLE = "PIP_LOG"


def unmet(file: Path) -> list[str]:
    """The lines of a requirements file that this environment may not meet.

    Asking pip itself costs seconds. Only lines that plainly name an installed distribution of a
    fitting version are taken as met; an option, an address or an extra is for pip to judge.

    Args:
        file: the requirements file; one that doesn't exist asks for nothing.
    """
    if not file.is_file():
        return []
    # What isn't UTF-8 is for pip to judge as well.
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#") and not _met(line)]


@contextmanager
def pip_explained(what: str) -> Iterator[None]:
    """Within the block, have pip, which the toolkit starts, also write to a log of our own.

    Args:
        what: what is to be installed.

    Raises:
        UserCodeError: pip failed; the message is pip's own.
    """
    from sagemaker_training import errors

    before = os.environ.get(PIP_LOG_VARIABLE)
    with TemporaryDirectory(prefix="byo-pip-") as scratch:
        log = Path(scratch) / "pip.log"
        os.environ[PIP_LOG_VARIABLE] = str(log)
        try:
            yield
        except (errors.InstallRequirementsError, errors.InstallModuleError):
            said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
            raise UserCodeError(describe_installation(what, said)) from None
        finally:
            if before is None:
                del os.environ[PIP_LOG_VARIABLE]
            else:
                os.environ[PIP_LOG_VARIABLE] = before


def _met(line: str) -> bool:
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        return False
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return False
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    if requirement.extras or requirement.url:
        return False
    try:
        installed = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(installed, prereleases=True)
