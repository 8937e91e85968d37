"""Tells when code or a model has changed, once nobody writes any more (`BYO_RELOAD`)."""

from __future__ import annotations

import logging
import socket
import threading
import time

from handler.serve.watched_files import (
    MOST_FILES,
    Files,
    WatchedFiles,
    WatchedFolder,
    differing,
    names_of,
)

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
# Looking takes at most a tenth of the time.
LOOK_SHARE = 10
# A change that is noticed this late is no surprise any more.
LATE_SECONDS = 2.0
# One save may be several writes, and several files may be saved at once.
QUIET_SECONDS = 0.2
# What is at rest waits no longer than this for what is not.
UNREST_SECONDS = 2.0
# What changes so many times, each so soon after it was told, is written by what is loaded.
SOON_SECONDS = 3.0
SOON_TIMES = 5


class Changes:
    """What differs from what was told before.

    Args:
        folders: what is loaded.
    """

    def __init__(self, folders: list[WatchedFolder]) -> None:
        self._folders = {each.place: each.files for each in folders}
        self._told: Files = _together(self._folders)
        self._seen: Files = dict(self._told)
        self._moved_at: dict[str, float] = {}
        self._told_at: dict[str, float] = {}
        self._times: dict[str, int] = {}
        self._written_by_loads: set[str] = set()

    def settled(self, folders: list[WatchedFolder], now: float) -> set[str]:
        """The files that have changed and are at rest: nobody writes them any more.

        All of them at once; but who writes for ever keeps nobody waiting.

        Args:
            folders: what there is now.
            now: the time in seconds.
        """
        self._follow({each.place: each.files for each in folders})
        files = _together(self._folders)
        self._moved_at |= dict.fromkeys(differing(self._seen, files), now)
        self._seen = files
        changed = differing(self._told, files) - self._written_by_loads
        rests = {one: now - self._moved_at[one] for one in changed}
        calm = {one for one, rest in rests.items() if rest >= QUIET_SECONDS}
        if calm != changed and max(rests.values()) < UNREST_SECONDS:
            return set()
        for one in calm:
            if one in files:
                self._told[one] = files[one]
            else:
                del self._told[one]
            self._count(one, now)
        return calm - self._written_by_loads

    def _follow(self, folders: dict[str, Files]) -> None:
        """Models come and go: what is new has just been loaded, what has gone is no change."""
        for place in folders.keys() - self._folders.keys():
            self._told |= folders[place]
            self._seen |= folders[place]
        gone = [self._folders[place] for place in self._folders.keys() - folders.keys()]
        kept = _together(folders)
        for one in {one for files in gone for one in files if one not in kept}:
            self._told.pop(one, None)
            self._seen.pop(one, None)
        self._folders = folders

    def _count(self, one: str, now: float) -> None:
        """Leave out what each load writes, which would load for ever; never a module."""
        is_soon = now - self._told_at.get(one, -SOON_SECONDS) < SOON_SECONDS
        self._times[one] = self._times.get(one, 0) + 1 if is_soon else 1
        self._told_at[one] = now
        if self._times[one] > SOON_TIMES and not one.endswith(".py"):
            self._written_by_loads.add(one)
            logger.warning(
                "%s changes whenever it has been loaded: it is watched no more",
                names_of([one], self._folders),
            )


class ChangeWatch(threading.Thread):
    """Looks now and then, and says what has changed by a socket that a loop can wait on.

    It ends with the process.

    Args:
        files: where to look.
    """

    def __init__(self, files: WatchedFiles) -> None:
        super().__init__(name="change watch", daemon=True)
        self._files = files
        self._reading, self._writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._warned: set[str] = set()
        # Before anything is loaded: what changes from now on may have been read or not.
        folders = self._look()
        self._changes = Changes(folders)
        places = ", ".join([*(each.place for each in folders), *files.later])
        logger.info("what changes is loaded and served at once: in %s", places)

    def fileno(self) -> int:
        """Readable when something has changed."""
        return self._reading.fileno()

    def receive(self) -> str:
        """What has changed, in a few words."""
        return self._reading.recv(65536).decode(errors="replace")

    def run(self) -> None:
        pause = LOOK_SECONDS
        try:
            while True:
                time.sleep(pause)
                begin = time.monotonic()
                folders = self._look()
                changed = self._changes.settled(folders, time.monotonic())
                if changed:
                    names = names_of(changed, [each.place for each in folders])
                    self._writing.send(f"{names} changed".encode()[:4096])
                pause = max(LOOK_SECONDS, LOOK_SHARE * (time.monotonic() - begin))
                if pause > LATE_SECONDS:
                    self._warn("time", f"looking takes long: a change may wait for {pause:.0f} s")
        except Exception:
            logger.exception("changes are not watched any more: restart the server to serve them")

    def _look(self) -> list[WatchedFolder]:
        folders = self._files.look()
        for each in folders:
            if not each.is_whole:
                first = f"{each.place}: only {MOST_FILES} files are watched, the uppermost"
                self._warn(each.place, first)
        return folders

    def _warn(self, about: str, text: str) -> None:
        """Say what is not as one may expect, once about each thing."""
        if about not in self._warned:
            self._warned.add(about)
            logger.warning("%s", text)


def _together(folders: dict[str, Files]) -> Files:
    return {place: stamp for files in folders.values() for place, stamp in files.items()}
