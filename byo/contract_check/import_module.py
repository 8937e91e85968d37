"""Import a user's file in this process, started for nothing else: its own `python -m`.

The last line on stdout is ``imported``, or why it can't be.
"""

from __future__ import annotations

import sys
from pathlib import Path

from contract.errors import UserCodeError
from contract.user_module import import_program
from handler.invocation.user_functions import UserFunctions

IMPORTED = "imported"


def main() -> int:
    try:
        UserFunctions.of_module(import_program(Path(sys.argv[1])))
    except UserCodeError as error:
        sys.stdout.write(f"\n{error}\n")
        return 1
    sys.stdout.write(f"\n{IMPORTED}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
