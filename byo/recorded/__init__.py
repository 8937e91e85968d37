"""Invocations that were recorded with their answers, and what other servers answer to them.

``recording_proxy.py`` stands before a server and records, ``recording.py`` is the file,
``replay.py`` sends what it holds again, ``comparison.py`` says where two answers differ.
"""

from byo.recorded.comparison import Errors, Strictness, compared
from byo.recorded.recording import Invocation, RecordedAnswer, Recording, read_recording
from byo.recorded.replay import Replayed, replay

__all__ = [
    "Errors",
    "Invocation",
    "RecordedAnswer",
    "Recording",
    "Replayed",
    "Strictness",
    "compared",
    "read_recording",
    "replay",
]
