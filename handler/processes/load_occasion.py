"""Why a process loads a model, which decides who is told how that goes."""

from __future__ import annotations

from enum import StrEnum


class LoadOccasion(StrEnum):
    """What a load follows from."""

    FIRST = "first"  # the frontend waits to be told how it goes
    AGAIN = "again"  # the process that held the model has ended, and the frontend knows the model
    ANEW = "anew"  # another process serves the model until this one has loaded it
