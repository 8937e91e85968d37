"""The models of a soak: each answers with numbers that no other gives, and no other caller gets."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LinearRegression

FIXTURES = Path(__file__).parent / "fixtures"
# How far the answers of two models are apart: more than any caller's number. All are whole
# numbers below 2**53, so they are exact.
STEP = 10**10
TIMEOUT_SECONDS = 10
# How long an invocation may take beyond the timeout.
MARGIN_SECONDS = 5
# … and one whose code never returns to Python: its process is ended later.
DEAF_SECONDS = 7

Rows = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class SoakModel:
    """A model of two columns that answers with their sum and a number of its own.

    Args:
        number: its own.
        folder: where it lies; the folder's name is the model's.
        acts: whether its code does what the second column asks for.
    """

    number: int
    folder: Path
    acts: bool = False

    @property
    def name(self) -> str:
        return self.folder.name

    def answer(self, rows: Rows) -> list[float]:
        """What it has to predict."""
        return [self.number * STEP + first + second for first, second in rows]

    def save(self) -> SoakModel:
        """Write it down, and its code."""
        model = LinearRegression().fit(np.eye(2), np.ones(2))
        model.coef_, model.intercept_ = np.ones(2), float(self.number * STEP)
        self.folder.mkdir(parents=True, exist_ok=True)
        joblib.dump(model, self.folder / "model.joblib")
        if self.acts:
            (self.folder / "code").mkdir(exist_ok=True)
            shutil.copy(FIXTURES / "acts_as_asked.py", self.folder / "code" / "inference.py")
        return self


@dataclass(frozen=True)
class Act:
    """Something that a model with code can be asked for.

    Args:
        name: in a word.
        code: what asks for it, in the second column.
        status: what it is answered with.
        seconds: how long it takes.
        is_fatal: whether the model's process ends by it.
    """

    name: str
    code: int
    status: HTTPStatus
    seconds: float = 0.0
    is_fatal: bool = False


ACTS = (
    Act("nap", 1, HTTPStatus.OK, 1),
    Act("long nap", 2, HTTPStatus.OK, 8),
    Act("raise", 3, HTTPStatus.INTERNAL_SERVER_ERROR),
    Act("exit", 4, HTTPStatus.INTERNAL_SERVER_ERROR, is_fatal=True),
    Act("kill itself", 5, HTTPStatus.INTERNAL_SERVER_ERROR, is_fatal=True),
    Act("crash", 6, HTTPStatus.INTERNAL_SERVER_ERROR, is_fatal=True),
    Act("stop itself", 7, HTTPStatus.INTERNAL_SERVER_ERROR, is_fatal=True),
    Act("hang", 8, HTTPStatus.GATEWAY_TIMEOUT, TIMEOUT_SECONDS),
    Act(
        "hang deaf",
        9,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        TIMEOUT_SECONDS + DEAF_SECONDS,
        is_fatal=True,
    ),
    Act("eat memory", 10, HTTPStatus.INSUFFICIENT_STORAGE),
)
