"""Parquet, which pandas reads with pyarrow."""

from __future__ import annotations

from training_entry.channels.channel_error import ChannelError
from training_entry.channels.data_files import DataFile
from training_entry.channels.declared_schema import Table


def read_parquet(file: DataFile) -> Table:
    """Read a file; an index that has a name becomes columns.

    Raises:
        ChannelError: it can't be read, or pyarrow is not installed.
    """
    import pandas as pd

    try:
        # The open file, not its path: of a path with "year=2024/" in it a column would be made.
        with file.path.open("rb") as stream:
            frame = pd.read_parquet(stream)
    except ImportError:
        raise ChannelError(
            f"{file.name}: pyarrow, which reads Parquet, is not installed: "
            "put it into requirements.txt"
        ) from None
    except (ValueError, OSError) as error:
        said = " ".join(str(error).split())
        raise ChannelError(f"{file.name} can't be read as Parquet: {said}") from None
    unnamed = all(name is None for name in frame.index.names)
    frame = frame.reset_index(drop=unnamed)
    return Table(file.name, frame, lambda row: f"row {row + 1}")
