"""Asks the data for a column that is not there."""

import os
from pathlib import Path

import pandas as pd

penguins = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAINING"]) / "penguins.csv")
print(penguins["wingspan_mm"].mean())
