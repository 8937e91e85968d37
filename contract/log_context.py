"""What a process is at work on, for the lines that it logs meanwhile.

Plain attributes and no ``contextvars``: a process answers one invocation at a time, and threads
that a user's code starts for it are at work on the same.
"""

from __future__ import annotations


class AtWork:
    """The model and the invocation that a process is at work on; None where there is none."""

    model: str | None = None
    request_id: str | None = None


AT_WORK = AtWork()
