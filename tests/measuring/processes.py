"""Measures what runs in every Python process of the environment that this file is copied into.

A ``.pth`` file beside the copy imports it when Python starts, so neither a process's command nor
its environment has to name it: tests and servers start processes with environments of their own.

Most of our processes don't end as Python would: they are forked and end by ``os._exit``, execute
another program, or are killed. So what is new is saved before each of these, and before a
process waits for events, where it is when its parent or a test kills it. What is lost is what a
process had done since it last waited, if it is killed in the midst of it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import selectors
import sys
import sysconfig
import threading
from collections.abc import Callable, Collection
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

CHECKOUT = Path(sys.prefix).parents[1]
FOLDER = Path(sys.prefix).with_name("coverage")
# Processes that have imported the checkout's packages in place of the installed ones.
ELSEWHERE = FOLDER / "elsewhere"


class Measured:
    """This process, and those that are forked from it."""

    def __init__(self) -> None:
        # Not before `measure_keepers`, as it may import what that is to reach.
        import coverage

        self._coverage = coverage.Coverage(
            data_file=str(FOLDER / "data"),
            data_suffix=True,
            config_file=str(CHECKOUT / "pyproject.toml"),
            auto_data=False,
        )
        packages: Any = self._coverage.get_option("paths")
        places = [place for both in packages.values() for place in both]
        # A pattern of the installed ones stays what it is, a folder becomes the checkout's.
        self.packages = {Path(place).name for place in places}
        include = [f"{place if '*' in place else CHECKOUT / place}/*" for place in places]
        self._coverage.set_option("run:include", include)
        self._saved: dict[str, set[Any]] = {}
        self._lock = threading.Lock()
        atexit.register(self.save)
        self._coverage.start()
        self._lock_anew()
        os.register_at_fork(after_in_child=self._lock_anew)

    def save(self) -> None:
        """Save what is new. It must not matter to what is measured, so it never fails."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            with contextlib.suppress(Exception):
                self._save()
        finally:
            self._lock.release()

    def _save(self) -> None:
        news = self._news()
        if not news:
            return
        if strangers := [file for file in news if not file.startswith(sys.prefix)]:
            with ELSEWHERE.open("a") as told:
                told.write(f"{' '.join(sys.orig_argv)}: {strangers[0]}\n")
        self._coverage.save()
        # A fork must find no open database.
        self._coverage.get_data().close(force=True)
        for file, seen in news.items():
            self._saved.setdefault(file, set()).update(seen)

    def _news(self) -> dict[str, set[Any]]:
        """What was seen and isn't saved, by file: the collector forgets what it has saved."""
        collector: Any = self._coverage._collector
        return {
            file: set(seen)
            for file, seen in list(collector.data.items())
            if not seen <= self._saved.get(file, set())
        }

    def _lock_anew(self) -> None:
        """Locks that no other thread holds, as one of the parent's may where a child is forked.

        Coverage's own can be taken once: a signal's handler that is measured, and comes while it
        is held, would wait for ever.
        """
        self._lock = threading.Lock()
        collector: Any = self._coverage._collector
        lock = collector.data_lock = threading.RLock()
        for one in (collector, *collector.tracers):
            one.lock_data, one.unlock_data = lock.acquire, lock.release


class Poll:
    """``select.epoll``, with which all loops wait; saves before it waits."""

    epoll: Any = select.epoll
    measured: Measured

    def __init__(self, *arguments: Any) -> None:
        self._epoll = self.epoll(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._epoll, name)

    def poll(self, *arguments: Any, **options: Any) -> Any:
        self.measured.save()
        return self._epoll.poll(*arguments, **options)


def measure_keepers() -> None:
    """Have processes started with ``-S`` read ``.pth`` files, too, so that this is one."""
    import _posixsubprocess

    start = _posixsubprocess.fork_exec

    def fork_exec(arguments: Any, *others: Any) -> int:
        return start([one for one in arguments if os.fsencode(one) != b"-S"], *others)

    _posixsubprocess.fork_exec = fork_exec


def pass_over_others(own: Collection[str]) -> None:
    """Stop measuring a thread while it executes a module of the environment that isn't ours.

    On Python 3.12 all code is slow that is traced, measured or not: an import of scikit-learn takes
    twice as long.

    Args:
        own: the names of our packages.
    """
    packages = sysconfig.get_path("purelib")
    others = (sys.prefix, sys.base_prefix)
    ours = tuple(f"{packages}/{name}/" for name in own)
    execute = SourceFileLoader.exec_module

    def exec_module(loader: SourceFileLoader, module: ModuleType) -> None:
        tracer: Any = sys.gettrace()
        path = loader.path
        if not hasattr(tracer, "stop") or not path.startswith(others) or path.startswith(ours):
            execute(loader, module)
            return
        tracer.stop()
        try:
            execute(loader, module)
        finally:
            tracer.start()

    SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign]


def save_first(save: Callable[[], None], name: str) -> None:
    """Have a function of ``os`` that doesn't return save what is new before it goes."""
    function = getattr(os, name)

    def saving(*arguments: Any) -> Any:
        save()
        return function(*arguments)

    setattr(os, name, saving)


def start() -> None:
    """Measure this process."""
    measure_keepers()
    measured = Poll.measured = Measured()
    select.epoll = selectors.EpollSelector._selector_cls = Poll
    pass_over_others(measured.packages)
    for name in ("_exit", "execv", "execve"):
        save_first(measured.save, name)


if "tests.measuring.report" not in sys.orig_argv:
    start()
