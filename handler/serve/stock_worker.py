"""multi-model-server's own worker, with every model loaded through this project's service.

That worker calls what a model's manifest names past this project, without the errors, the limits
and the word to the supervisor that go with a load. So it is told the same handler for all; that one
calls the manifest's.

Copied into a folder of `serve`'s, which the frontend takes for its own home, and run as a script.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

SERVICE = "handler.service:handle"


def main() -> None:
    """Run the worker's own script, as it is started otherwise."""
    own_folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if entry != own_folder]
    from mms import model_loader, model_service_worker

    class Loader(model_loader.MmsModelLoader):  # type: ignore[misc]  # mms has no types
        """Loads a model by the one service, whatever its manifest names."""

        def load(self, name: str, model_dir: str, _: str, gpu: Any, batch: int) -> Any:
            return super().load(name, model_dir, SERVICE, gpu, batch)

    model_loader.ModelLoaderFactory.get_model_loader = staticmethod(lambda _: Loader())
    runpy.run_path(model_service_worker.__file__, run_name="__main__")


if __name__ == "__main__":
    main()
