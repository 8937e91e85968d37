"""``python -m byo``, and the console script ``byo``."""

import sys

from contract.early_interrupt import end_on_interrupt


def main() -> int:
    """Run the command line; the exit code."""
    end_on_interrupt("byo")
    from byo.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
