"""What the image's ``train`` runs, and `byo train`: ``python -m training_entry.launch``."""

from __future__ import annotations

import sys

from contract.early_interrupt import end_on_interrupt


def main() -> None:
    """Run the job; always exits, with 0 only if the job succeeded."""
    end_on_interrupt("train")
    from training_entry.toolkit_run import run

    run()


if __name__ == "__main__":
    if not sys.flags.safe_path:
        # The toolkit hands our path on to the script, for which this folder means nothing.
        del sys.path[0]
    main()
