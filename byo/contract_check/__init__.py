"""Does an algorithm folder keep the contract? What its files say, then what they do."""

from byo.contract_check.findings import Finding, Level
from byo.contract_check.folder_check import check_folder
from byo.contract_check.imports_in_image import check_imports_in
from byo.contract_check.round_trip import check_round_trip

__all__ = ["Finding", "Level", "check_folder", "check_imports_in", "check_round_trip"]
