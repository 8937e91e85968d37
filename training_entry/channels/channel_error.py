"""What is wrong with a channel's data."""

from __future__ import annotations

from contract.errors import ByoError


class ChannelError(ByoError):
    """A channel, or a file in it, can't be read; the message names channel, file and row."""
