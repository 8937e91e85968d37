"""Does an algorithm folder keep the contract? What its files say, then what they do."""

from byo.conformance.findings import Finding, Level
from byo.conformance.folder import check_folder
from byo.conformance.round_trip import check_round_trip

__all__ = ["Finding", "Level", "check_folder", "check_round_trip"]
