"""The data of a channel as one data frame."""

from training_entry.channels.channel_error import ChannelError
from training_entry.channels.reading import read_channel
from training_entry.channels.sharding import shard_by_host

__all__ = ["ChannelError", "read_channel", "shard_by_host"]
