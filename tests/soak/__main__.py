"""``python -m tests.soak``."""

from tests.soak.command import main

if __name__ == "__main__":
    raise SystemExit(main())
