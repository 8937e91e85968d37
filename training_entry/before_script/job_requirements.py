"""pip as sagemaker-training starts it: it asks nobody, and says why it failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.errors import UserCodeError
from contract.requirements_file import unattended
from training_entry.script.failure_report import describe_installation

PIP_LOG_VARIABLE = "PIP_LOG"


@contextmanager
def pip_explained(what: str) -> Iterator[None]:
    """Within the block, have pip, which the toolkit starts, also write to a log of our own.

    Args:
        what: what is to be installed.

    Raises:
        UserCodeError: pip failed; the message is pip's own.
    """
    from sagemaker_training import errors

    before = dict(os.environ)
    with TemporaryDirectory(prefix="byo-pip-") as scratch:
        log = Path(scratch) / "pip.log"
        added = {**unattended(os.environ), PIP_LOG_VARIABLE: str(log)}
        os.environ.update(added)
        try:
            yield
        except (errors.InstallRequirementsError, errors.InstallModuleError):
            said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
            raise UserCodeError(describe_installation(what, said)) from None
        finally:
            for name in added:
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]
