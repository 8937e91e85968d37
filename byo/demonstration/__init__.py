"""What ``byo demo`` shows: a model, held-out rows it never saw, and three ways to send them."""

from byo.demonstration.comparison import Outcome, compare
from byo.demonstration.holdout import Holdout, hold_out

__all__ = ["Holdout", "Outcome", "compare", "hold_out"]
