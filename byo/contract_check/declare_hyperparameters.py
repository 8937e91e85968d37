"""Import a train.py in this process, started for nothing else, and tell what it declares.

``python -m byo.contract_check.declare_hyperparameters FILE CLASS``: the last line on stdout is a
JSON list of table rows, or why there is none.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from contract.errors import ByoError
from contract.user_module import import_program
from training_entry.hyperparameters import HyperparameterError, declared_hyperparameters


def main() -> int:
    file, name = Path(sys.argv[1]), sys.argv[2]
    # The script may look at its arguments on import: it has none.
    del sys.argv[1:]
    try:
        declared = getattr(import_program(file), name, None)
        if declared is None:
            raise HyperparameterError([f"{name} is no class of the module's own"])
        rows = [each.row for each in declared_hyperparameters(declared)]
    except ByoError as error:
        sys.stdout.write(f"\n{error}\n")
        return 1
    sys.stdout.write(f"\n{json.dumps(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
