"""``serve``: the console script, and ``python -m handler.serve.command``."""

from __future__ import annotations

import os
import sys
import traceback

from contract import log_format
from contract.early_interrupt import end_on_interrupt


def main() -> int:
    """Serve until a stop signal; the exit code."""
    if log_format.settle(os.environ):
        return _logging_json()
    end_on_interrupt("serve")
    return _run()


def _logging_json() -> int:
    """Serve, and have nothing but JSON leave this process and those that it starts."""
    from handler.serve.log_relay import LogRelay

    relay = LogRelay(os.environ)
    end_on_interrupt("serve", relay.last_word)
    relay.begin()
    try:
        return _run()
    except Exception:  # a fault of ours: its traceback is to be JSON, too
        traceback.print_exc()
        return 1
    finally:
        relay.end()


def _run() -> int:
    from handler.serve.serving import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
