"""The process that imports once and forks a host for each model.

Started by the supervisor, ended by the end of its standard input. Threads must not be started
here: hosts are forked from this process, and a fork takes only one thread along.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import selectors
import sys
from pathlib import Path

from contract.machine import this_machine
from contract.settings import ServingSettings
from handler import lifecycle
from handler.backend import pipes
from handler.backend.children import Children
from handler.backend.hosted import Hosted
from handler.backend.launch import Launches
from handler.backend.signals import wake_on_children
from handler.backend.watch import Note
from handler.plan import plan

PRELOAD_VARIABLE = "BYO_PRELOAD"
WATCH_SECONDS = 0.5
# What most models are made of.
MODULES = (
    "joblib",
    "scipy.sparse",
    "scipy.special",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.impute",
    "sklearn.linear_model",
    "sklearn.neighbors",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.svm",
    "sklearn.tree",
)


class Template:
    """Forks hosts as launchers ask for them, and again when one has died.

    Args:
        folder: where the pipes are that launchers write to and wait on.
        settings: the serving settings.
    """

    def __init__(self, folder: Path, settings: ServingSettings) -> None:
        self._settings = settings
        self._plan = plan(settings, this_machine())
        self._launches = Launches()
        self._hosted: set[Hosted] = set()
        self._children = Children(self._host_ended)
        self._selector = selectors.DefaultSelector()
        self._pipe, self._park = pipes.open_both(folder)

    def run(self) -> None:
        """Fork hosts until standard input ends."""
        with wake_on_children() as wakeup:
            watch = self._selector.register
            watch(sys.stdin, selectors.EVENT_READ, _end)
            watch(self._pipe, selectors.EVENT_READ, self._read_launches)
            watch(wakeup, selectors.EVENT_READ, lambda: wakeup.recv(4096))
            while True:
                for key, _ in self._selector.select(WATCH_SECONDS if self._hosted else None):
                    key.data()
                self._children.reap()
                self._children.end_overdue()
                for hosted in self._hosted:
                    hosted.look_after()

    def _read_launches(self) -> None:
        for launch in self._launches.feed(os.read(self._pipe, 65536)):
            try:
                hosted = Hosted(launch, self._children, self._settings, self._plan)
            except ProcessLookupError:  # the frontend has changed its mind
                continue
            self._hosted.add(hosted)
            self._selector.register(
                hosted.launcher, selectors.EVENT_READ, lambda one=hosted: self._drop(one)
            )
            hosted.start()

    def _drop(self, hosted: Hosted) -> None:
        """The launcher has ended: the frontend wants the model no more."""
        self._selector.unregister(hosted.launcher)
        self._hosted.remove(hosted)
        hosted.close()

    def _host_ended(self, pid: int, note: Note, code: int) -> None:
        for hosted in self._hosted:
            if hosted.host == pid:
                hosted.host_ended(note, code)


def main() -> None:
    """The template's process."""
    settings = ServingSettings.from_environ(os.environ)
    lifecycle.configure_logging(settings.log_level)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    template = Template(Path(os.environ[pipes.DIR_VARIABLE]), settings)
    preload(os.environ.get(PRELOAD_VARIABLE, ""))
    template.run()


def preload(more: str) -> None:
    """Import what hosts will need, and keep it out of the garbage collector's way.

    Args:
        more: further modules, separated by commas: those of the models' own requirements that
            may be imported before a fork.
    """
    for module in MODULES:
        importlib.import_module(module)
    for module in filter(None, (name.strip() for name in more.split(","))):
        try:
            importlib.import_module(module)
        except Exception as error:
            sys.stdout.write(f"serve: {PRELOAD_VARIABLE}: {module} can't be imported: {error}\n")
    gc.collect()
    gc.freeze()


def _end() -> None:
    """Standard input has ended: the supervisor is gone, or wants this process to go."""
    if not os.read(sys.stdin.fileno(), 4096):
        raise SystemExit(0)


if __name__ == "__main__":
    main()
