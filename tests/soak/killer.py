"""Kills processes as scheduled, and writes down what it did: the journal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.serving.backend.processes import Processes
from tests.soak.schedule import Kill, Role

# How long after a kill an invocation of the model may still fail by it.
AFTER_SECONDS = 5.0


@dataclass(frozen=True)
class Entry:
    """Something that ends a process, be it a kill or a model's own act.

    Args:
        begun, ended: between which times invocations may fail by it.
        model: whose process it is; None for all models.
    """

    begun: float
    ended: float
    model: str | None


@dataclass
class Journal:
    """What was done to the server's processes, and when; every line of it is in a file, too."""

    file: Path
    entries: list[Entry] = field(default_factory=list)
    kills: int = 0
    last_kill: float = 0.0
    last_fork_server_kill: float = -1000.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, entry: Entry, **told: object) -> None:
        """Write down what happened."""
        line = json.dumps({"at": round(entry.begun, 3), "model": entry.model, **told})
        with self._lock, self.file.open("a", encoding="utf-8") as file:
            self.entries.append(entry)
            file.write(f"{line}\n")

    def note_kill(self, entry: Entry, kill: Kill, pid: int, round_number: int) -> None:
        """Write down a kill."""
        self.kills += 1
        self.last_kill = entry.begun
        if kill.role is Role.FORK_SERVER:
            self.last_fork_server_kill = entry.begun
        self.note(
            entry,
            round=round_number,
            scheduled=round(kill.at, 3),
            role=kill.role.value,
            signal=kill.number.name,
            place=round(kill.place, 3),
            pid=pid,
        )

    def explains(self, model: str, begun: float, ended: float) -> bool:
        """Whether anything happened that makes an invocation of a model fail."""
        return any(
            entry.model in (None, model) and entry.begun <= ended and begun <= entry.ended
            for entry in self.entries
        )


class Killer:
    """Does what a schedule says.

    Args:
        processes: the server's.
        journal: where it is written down.
        spared: the name of a model whose own processes live on, if there is one.
        staying: the names of the models whose launchers may be killed: one that ends while its LOAD
            is under way has a thread of the frontend's wait for a minute, and its clients with it.
        clock: the clock of the run.
    """

    def __init__(
        self,
        processes: Processes,
        journal: Journal,
        spared: str | None,
        staying: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self._processes = processes
        self._journal = journal
        self._spared = spared
        self._staying = staying
        self._clock = clock

    def run(self, round_number: int, kills: Iterable[Kill], over: threading.Event) -> None:
        """Kill until all is done, or it is over."""
        start = self._clock()
        for kill in kills:
            if over.wait(max(0.0, start + kill.at - self._clock())):
                return
            try:
                self._do(kill, round_number)
            except (psutil.Error, ValueError, StopIteration):
                continue  # what was found has just ended by itself, or was not there

    def _do(self, kill: Kill, round_number: int) -> None:
        candidates = sorted(self._of(kill.role), key=lambda one: (one[0].create_time(), one[0].pid))
        if not candidates:
            return
        process, model = candidates[int(kill.place * len(candidates))]
        now = self._clock()
        process.send_signal(kill.number)
        entry = Entry(now, now + AFTER_SECONDS, model)
        self._journal.note_kill(entry, kill, process.pid, round_number)

    def _of(self, role: Role) -> list[tuple[psutil.Process, str | None]]:
        """The processes of a role, each with its model's name."""
        if role is Role.FORK_SERVER:
            return [(self._processes.fork_server(), None)]
        if role is Role.LAUNCHER:
            named = [(one, _launched_model(one)) for one in self._processes.launchers()]
            found = [(one, model) for one, model in named if model in self._staying]
        else:
            hosts = self._processes.hosts()
            if role is Role.WORKER:
                hosts = [one for host in hosts for one in self._processes.workers_below(host)]
            found = [(one, self._model_of(one)) for one in hosts]
        return [(one, model) for one, model in found if model is None or model != self._spared]

    def _model_of(self, host: psutil.Process) -> str | None:
        """A host works in its model's folder; one that has just been forked may be anybody's."""
        folder = host.cwd()
        return None if folder == self._processes.fork_server().cwd() else Path(folder).name


def _launched_model(launcher: psutil.Process) -> str | None:
    command: list[str] = launcher.cmdline()
    return command[command.index("--model-name") + 1]
