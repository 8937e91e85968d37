"""A finding with the command that mends what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from byo.contract_check import Finding
from byo.contract_check.findings import error, ok, warning

FIX_SECONDS = 600.0


@dataclass(frozen=True)
class Remedied:
    """What a check found, and what to do about it.

    Args:
        finding: what was found; it names the remedy.
        fix: a command that mends it in this environment alone, without root; None where only a
            person can.
    """

    finding: Finding
    fix: tuple[str, ...] | None = None


def well(text: str) -> Remedied:
    """All is as it should be."""
    return Remedied(ok(text))


def lacking(text: str, remedy: str, *, fix: Sequence[str] | None = None) -> Remedied:
    """Something that commands need is missing."""
    return Remedied(error(f"{text}: {remedy}"), tuple(fix) if fix else None)


def doubtful(text: str, remedy: str, *, fix: Sequence[str] | None = None) -> Remedied:
    """Something that only some commands need is missing, or that is less than it could be."""
    return Remedied(warning(f"{text}: {remedy}"), tuple(fix) if fix else None)


def pip_install(*packages: str) -> tuple[str, ...]:
    """The command that installs packages into this environment."""
    return (sys.executable, "-m", "pip", "install", *packages)


def apply(fix: Sequence[str]) -> str | None:
    """Run a remedy; why it failed, or None if it did not."""
    try:
        done = subprocess.run(fix, capture_output=True, text=True, timeout=FIX_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        return str(failure)
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return None if done.returncode == 0 else (lines or ["it gave no reason"])[-1].strip()
