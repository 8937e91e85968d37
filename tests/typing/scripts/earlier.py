"""The same by the names of the packages that it lives in, which keep working."""

from typing import Any, assert_type

import pandas as pd

from contract import Signature, save_signature
from training_entry import parse_hyperparameters, read_channel, report_metrics
from training_entry.checkpoint import load_checkpoint


class Hyperparameters:
    depth: int = 3


assert_type(parse_hyperparameters(Hyperparameters, {"depth": "4"}), Hyperparameters)
assert_type(read_channel(), pd.DataFrame)
assert_type(load_checkpoint(), tuple[Any, int] | None)
assert_type(save_signature(object(), [[1.0]]), Signature)
report_metrics({"accuracy": 1.0})
