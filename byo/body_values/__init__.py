"""The values in a body, by its content type, and where those of two bodies differ."""

from byo.body_values.differences import Difference, differences
from byo.body_values.read_values import read_values

__all__ = ["Difference", "differences", "read_values"]
