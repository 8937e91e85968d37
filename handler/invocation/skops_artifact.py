"""A model in skops' format, which says what it holds before anything is made of it.

A pickle runs what it says while it is read. A skops file names types; those that skops knows to be
harmless are made, and all others only if whoever serves the model has named them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.errors import LONGEST_NAME, ModelLoadError, one_line
from contract.settings import TRUSTED_VARIABLE
from contract.user_module import describe

SUFFIX = ".skops"
# What skops does not list and can do no harm: kinds of numbers, and a rule for columns.
HARMLESS = frozenset(
    {
        "numpy.complexfloating",
        "numpy.dtype",
        "numpy.floating",
        "numpy.generic",
        "numpy.inexact",
        "numpy.integer",
        "numpy.number",
        "numpy.signedinteger",
        "numpy.unsignedinteger",
        "sklearn.compose._column_transformer.make_column_selector",
    }
)
MOST_TYPES = 12
# Files could get past what older ones asked for (CVE-2025-54412, -54413, -54886).
OLDEST = (0, 13)


def load_skops(file: Path, trusted: Sequence[str]) -> Any:
    """The object in a skops file.

    Args:
        file: the file.
        trusted: the types that it may hold beside those that skops trusts, as ``package.Class``.

    Raises:
        ModelLoadError: skops is not installed, the file is none of its own, or holds other types.
        MemoryError: there is not enough memory for it.
    """
    try:
        import skops
        from skops import io
    except ImportError as error:
        raise ModelLoadError(
            f"{file} takes skops to load ({describe(error)}): put skops into "
            "code/requirements.txt, or pip install skops"
        ) from None
    if tuple(map(int, re.findall(r"\d+", skops.__version__)[:2])) < OLDEST:
        raise ModelLoadError(
            f"{file} takes skops {'.'.join(map(str, OLDEST))} or newer to load safely, and "
            f"{skops.__version__} is installed"
        )
    if not zipfile.is_zipfile(file):
        raise ModelLoadError(
            f"{file} is not what skops.io.dump writes, whatever its name says: nothing of it is "
            "loaded"
        )
    try:
        held = sorted(set(io.get_untrusted_types(file=file)))
        unknown = [name for name in held if name not in HARMLESS.union(trusted)]
        if unknown:
            raise ModelLoadError(_refusal(file, unknown))
        return io.load(file, trusted=held)
    except (ModelLoadError, MemoryError):
        raise
    except BaseException as error:
        raise ModelLoadError(f"{file} can't be loaded: {describe(error)}") from error


def _refusal(file: Path, unknown: Sequence[str]) -> str:
    shown = ",".join(one_line(name, LONGEST_NAME) for name in unknown[:MOST_TYPES])
    more = f" and {len(unknown) - MOST_TYPES} more" if len(unknown) > MOST_TYPES else ""
    return (
        f"{file} holds types that are not trusted: {shown}{more}. If you know where it comes from "
        f"and what these do, set {TRUSTED_VARIABLE}={shown}"
    )
