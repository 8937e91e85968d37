"""``python -m byo`` is ``byo``."""

import sys

from byo.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
