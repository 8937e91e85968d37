"""Execute a notebook in this interpreter's environment, and keep the outputs in the file.

    python -m tests.notebooks.execute                          notebooks/quickstart.ipynb, in place
    python -m tests.notebooks.execute IN --output OUT --folder DIR

What belongs to one machine or one run is not kept: times, the kernel's name and its version.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

# Read on import: Jupyter's new folders, and no remark of the debugger on Python's frozen modules.
os.environ |= {"JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
CELL_SECONDS = 120
# A server that the kernel has yet to stop gets its time before the kernel is killed.
SHUTDOWN_SECONDS = 60.0
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class OwnInterpreter(KernelSpecManager):
    """Knows one kernel, this interpreter's, whatever is installed on the machine."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(name=kernel_name, **get_kernel_dict())


class OwnKernel(AsyncKernelManager):
    """Starts that kernel; what is said to it is encrypted, or it would warn in the first cell."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            **settings,
            kernel_spec_manager=OwnInterpreter(),
            shutdown_wait_time=SHUTDOWN_SECONDS,
            transport_encryption="required",
        )


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run all cells, with `folder` as the current one, and set their outputs.

    Raises:
        CellExecutionError: a cell failed.
        CellTimeoutError: a cell took too long; it has been interrupted.
    """
    NotebookClient(
        notebook,
        kernel_manager_class=OwnKernel,
        timeout=CELL_SECONDS,
        interrupt_on_timeout=True,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)


def isolate(folder: Path) -> None:
    """Keep the user's IPython profile and plotting backend out, and Jupyter's files in a folder."""
    os.environ.pop("MPLBACKEND", None)
    os.environ |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }


def main() -> None:
    """Execute the notebook that the command line names.

    Raises:
        SystemExit: a cell failed or took too long; nothing was written.
    """
    parser = argparse.ArgumentParser(description="Execute a notebook and keep its outputs.")
    parser.add_argument("notebook", type=Path, nargs="?", default=QUICKSTART)
    parser.add_argument("--output", type=Path, help="default: the notebook itself")
    parser.add_argument("--folder", type=Path, help="the current folder; default: the notebook's")
    options = parser.parse_args()
    notebook = nbformat.read(options.notebook, as_version=4)
    with TemporaryDirectory(prefix="notebook-") as own:
        isolate(Path(own))
        try:
            execute(notebook, (options.folder or options.notebook.parent).resolve())
        except (CellExecutionError, CellTimeoutError) as error:
            raise SystemExit(f"{options.notebook.name}: {error}") from None
    nbformat.write(notebook, options.output or options.notebook)


if __name__ == "__main__":
    main()
