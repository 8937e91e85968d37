"""``serve``: the console script, and ``python -m handler.serve.command``."""

from __future__ import annotations

import sys

from contract.early_interrupt import end_on_interrupt


def main() -> int:
    """Serve until a stop signal; the exit code."""
    end_on_interrupt("serve")
    from handler.serve.serving import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
