"""The ``__main__`` in which pickles look for what a training script defined.

A script that trains runs as ``__main__``, so what it pickles refers to ``__main__.Squarer``. Here
that module is another: one that finds such a name in the user's module, defined or imported there,
else in the script itself, which is imported under its own name, but only where its text shows
that this does not train again. Nothing is looked for before a pickle asks for it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from contract.user_module import describe
from handler.invocation.script_text import Script, read_scripts

MAIN = "__main__"
# What the script is called in the processes that multiprocessing starts for it.
MP_MAIN = "__mp_main__"


class MainModule(ModuleType):
    """Stands for the training script's ``__main__``.

    Args:
        directories: the folders of user code, in the order in which they count.
        program: the user's module, which is looked into first; None for none.
    """

    def __init__(self, directories: Sequence[Path], program: Path | None) -> None:
        super().__init__(MAIN)
        # Under a name that no user takes: the others here are theirs.
        self._byo_lender = _Lender(directories, program)

    def __getattr__(self, name: str) -> Any:
        # Called for what nobody has set here.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"module {MAIN!r} has no attribute {name!r}")
        return self._byo_lender.find(name)


def install(directories: Sequence[Path], program: Path | None) -> None:
    """From now on, pickles find in ``__main__`` what users' folders hold.

    Called before the user's module is imported, which may load its model right then.
    """
    sys.modules[MAIN] = sys.modules[MP_MAIN] = MainModule(directories, program)


def advice_on(error: BaseException) -> str:
    """What to do about a name that a load did not find in ``__main__``; empty for other errors."""
    main = sys.modules[MAIN]
    if isinstance(main, MainModule) and MAIN in describe(error):
        return main._byo_lender.reason
    return ""


class _Lender:
    """Finds names, and remembers why it did not find the last that it could not."""

    def __init__(self, directories: Sequence[Path], program: Path | None) -> None:
        self._directories = directories
        self._program = program
        self._scripts: list[Script] | None = None
        self.reason = ""

    def find(self, name: str) -> Any:
        """What a name stands for.

        Raises:
            AttributeError: nothing here defines it, or only what can't be imported.
        """
        module = sys.modules.get(self._program.stem) if self._program else None
        if module is not None and hasattr(module, name):
            return getattr(module, name)
        try:
            return getattr(self._imported(self._script_with(name), name), name)
        except AttributeError as error:
            self.reason = f". {error}"
            raise

    def _script_with(self, name: str) -> Script:
        """The one script that defines a name; the script that trains, if several do."""
        if self._scripts is None:
            self._scripts = list(read_scripts(self._directories))
        found = [script for script in self._scripts if name in script.defined]
        found = found or [script for script in self._scripts if name in script.imported]
        trains = [script for script in found if script.trains]
        if trains or len(found) == 1:
            return (trains or found)[0]
        if found:
            files = ", ".join(str(script.file) for script in found)
            raise AttributeError(
                f"{name} was defined in the training script itself, and several files here "
                f"define it: {files}. Import the right one in inference.py"
            )
        raise AttributeError(
            f"{name} was defined in the training script itself, which is not here: put it into "
            "code/ or the algorithm folder, its training under if __name__ == '__main__':, or "
            f"move {name} to a module beside inference.py that the script imports"
        )

    def _imported(self, script: Script, name: str) -> ModuleType:
        """A script as a module of its own name."""
        if name in script.guarded:
            raise AttributeError(
                f"{script.file} defines {name} under if __name__ == '__main__':, where no "
                "import finds it: move it above that line"
            )
        if not script.may_be_imported:
            raise AttributeError(
                f"{script.file} defines {name}, and to import it would train again (line "
                f"{script.working_line}): put the training under if __name__ == '__main__':, "
                f"or move {name} to a module beside inference.py"
            )
        try:
            module = importlib.import_module(script.file.stem)
        except BaseException as error:
            raise AttributeError(
                f"{script.file} defines {name}, and can't be imported: "
                f"{describe(error, script.file.parent)}"
            ) from error
        if Path(getattr(module, "__file__", None) or "") != script.file:
            raise AttributeError(
                f"{script.file} defines {name}, but another module has its name "
                f"({getattr(module, '__file__', None)}): rename it"
            )
        return module
