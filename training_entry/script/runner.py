"""The user's process, as sagemaker-training's runner.

The toolkit's own runner buffers the script's output, loses its exit code and its exception,
and leaves it running when the job is stopped. This one takes its place. To import this module
imports the toolkit.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sagemaker_training import process

from contract.errors import UserCodeError
from contract.requirements.overlay import interpreter
from contract.user_module import check_names
from training_entry.script import bootstrap
from training_entry.script.failure_report import describe_ending
from training_entry.script.script_supervisor import Ending, ScriptSupervisor
from training_entry.script.wait_settings import Limits

logger = logging.getLogger(__name__)


class ScriptFailed(UserCodeError):
    """The user's script ended with an exit code other than 0, or was killed.

    Args:
        reason: the text of the failure file.
        exit_code: the script's own exit code; 128 + the signal's number if it was killed.
    """

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


class ScriptRunner(process.ProcessRunner):  # type: ignore[misc]
    """Runs the user's entry point in its folder, supervised and with its cause of death told.

    Args:
        program: the entry point's name, relative to the folder.
        arguments: its command line arguments.
        directory: the user's folder, which becomes the working directory.
        limits: how long it has to stop, and how long it may be quiet.
        in_place: whether the entry point is simply a script, whatever else the folder holds;
            else the toolkit decides between script, package (``python -m``) and command.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        directory: Path,
        limits: Limits,
        *,
        in_place: bool = False,
    ) -> None:
        super().__init__(program, list(arguments), {}, processes_per_host=1)
        self._directory = directory.resolve()
        self._limits = limits
        self._in_place = in_place

    @property
    def directory(self) -> Path:
        """The user's folder."""
        return self._directory

    def run(self, wait: bool = True, capture_error: bool = False) -> Ending:
        """Run the entry point to its end; the arguments are the toolkit's and have no effect.

        Raises:
            ScriptFailed: it ended with an exit code other than 0, or was killed.
            UserCodeError: it is not in the folder, or a file there takes the name of our own.
        """
        check_names([self._directory])
        self._check_present()
        logger.info("Running %s in %s", self._user_entry_point, self._directory)
        with tempfile.TemporaryDirectory(prefix="byo-training-") as scratch:
            file = Path(scratch) / "report.json"
            ending = self._supervise(file)
            report = _read(file)
        logger.info(
            "%s ran for %.1f s, peak memory %s", self._user_entry_point, ending.seconds, ending.peak
        )
        if ending.returncode:
            reason = describe_ending(self._user_entry_point, self._directory, ending, report)
            raise ScriptFailed(reason, ending.exit_code)
        return ending

    def _supervise(self, report: Path) -> Ending:
        # PYTHONUNBUFFERED: each line is to appear when it is printed, also from a .sh's Python.
        # PYTHONFAULTHANDLER: a crash in native code leaves a trace in the log.
        defaults = {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
        own = {
            bootstrap.REPORT_VARIABLE: str(report),
            # The job's, which the toolkit has configured this process with.
            bootstrap.LOG_LEVEL_VARIABLE: str(logging.getLogger().getEffectiveLevel()),
        }
        environ = defaults | os.environ | own
        return ScriptSupervisor(
            self._create_command(),
            cwd=self._directory,
            environ=environ,
            grace=self._limits.grace,
            quiet=self._limits.quiet,
        ).run()

    def _create_command(self) -> list[str]:
        if self._in_place:
            return [*self._python_command(), self._user_entry_point, *self._args]
        command: list[str] = super()._create_command()
        return command

    def _python_command(self) -> list[str]:
        return [interpreter(os.environ), bootstrap.__file__]

    def _check_present(self) -> None:
        present = sorted(entry.name for entry in self._directory.iterdir())
        if not (self._directory / self._user_entry_point).is_file() and "setup.py" not in present:
            raise UserCodeError(
                f"{self._user_entry_point} is not in {self._directory}, which holds: "
                f"{', '.join(present) or 'nothing'}. sagemaker_program names a file inside "
                "the folder or archive that sagemaker_submit_directory names."
            )


def _read(report: Path) -> Mapping[str, Any] | None:
    """The bootstrap's report; None if it wrote none, or was killed while writing."""
    try:
        document: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document
