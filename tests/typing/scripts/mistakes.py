"""What a checker must find: each line that ends in `wrong`, and no other."""

import os
from dataclasses import dataclass

import byo
from byo import save_sgnature  # wrong
from byo import Job, hyperparameter, parse_hyperparameters, read_channel, report_metrics


@dataclass
class Hyperparameters:
    depth: int = hyperparameter(3, leest=1)  # wrong


chosen = parse_hyperparameters(Hyperparameters)
chosen.dpeth  # wrong
parse_hyperparameters({"depth": 3})  # wrong
read_channel("training", {"x": "numeric"})  # wrong
report_metrics("accuracy=0.97")  # wrong
report_metrics({"accuracy": 0.97}, step="3")  # wrong
byo.save_signature()  # wrong
byo.save_checkpoint(chosen, step=1, folder="/tmp")  # wrong
Job.from_environ(os.environ).is_leader()  # wrong
