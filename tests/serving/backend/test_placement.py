"""No model is left both registered and without a process, in whatever order things end.

The placements, their state machine, sockets and saved files are the real ones. Around them, in
place of processes, are what they look like from there: a frontend that has models and knows
launchers, and processes that can end at any moment.
"""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from handler.fork_server.host_state_machine import HostRecord, HostState
from handler.fork_server.launcher_slot import LauncherSlot
from handler.fork_server.model_sockets import ModelSockets
from handler.fork_server.own_host import GIVE_UP_SECONDS
from handler.fork_server.placement import Placements
from handler.fork_server.registration_check import CHECK_SECONDS, Answered, RegistrationChecks
from handler.fork_server.saved_requests import read_saved
from handler.fork_server.shared_hosts import SharedHosts
from handler.fork_server.watchdog import Watchdog
from handler.processes.backoff import PAUSE_SECONDS
from handler.processes.forked_children import Ended
from handler.processes.launch_request import LaunchRequest
from handler.processes.load_occasion import LoadOccasion
from handler.processes.process_shared_memory import ProcessRecord, WrongState

NAME = "model"
KILLED = -signal.SIGKILL
# Beyond what the kernel gives to processes: whatever is sent there goes nowhere.
FIRST_PID = 2**23
RELOAD_SECONDS = 10.0
NO_SHARED_HOSTS = SharedHosts(0, lambda: pytest.fail("there are none"))


@dataclass
class Process:
    """A process of a model, as its parent sees it."""

    slot: LauncherSlot
    when_ended: Ended
    told: ProcessRecord = field(default_factory=ProcessRecord)


class World:
    """All that is not the fork server's: the frontend, launchers, processes, time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.numbers = count(FIRST_PID)
        self.registered: dict[str, LaunchRequest] = {}
        self.launchers: dict[int, LaunchRequest] = {}  # those that live
        self.attached: dict[int, Callable[[], None]] = {}
        self.processes: dict[int, Process] = {}
        self.stand_ins: dict[int, Process] = {}
        self.questions: list[tuple[str, Answered]] = []
        self.lists: list[Callable[[set[str] | None], None]] = []
        self.found: list[socket.socket] = []  # which were kept, and may be claimed
        self.slots: list[LauncherSlot] = []
        self.answered: set[int] = set()  # launchers of LOADs that have been answered well

    def clock(self) -> float:
        return self.now

    def attach(self, slot: LauncherSlot, when_ended: Callable[[], None]) -> None:
        self.slots.append(slot)
        pid = slot.request.pid
        if pid not in self.launchers:
            return
        slot.launcher = pid

        def ended() -> None:
            slot.launcher = None
            when_ended()

        def end_launcher() -> None:
            if pid in self.launchers:
                self.end_launcher(pid)

        self.attached[pid] = ended
        slot.end_launcher = end_launcher  # type: ignore[method-assign]

    def ask(self, model: str, when_answered: Answered) -> None:
        self.questions.append((model, when_answered))

    def list(self, when_listed: Callable[[set[str] | None], None]) -> None:
        self.lists.append(when_listed)

    def forget(self, models: Collection[str]) -> None:
        for name in models:
            if name in self.registered:
                self.unload(name)

    def fork_host(self, slot: LauncherSlot, when_ended: Ended, occasion: LoadOccasion) -> int:
        pid = next(self.numbers)
        self.processes[pid] = Process(slot, when_ended)
        return pid

    def fork_refusal(self, slot: LauncherSlot, status: HTTPStatus, when_ended: Ended) -> int:
        return self.fork_host(slot, when_ended, LoadOccasion.FIRST)

    def fork_stand_in(self, slot: LauncherSlot, reason: str, when_ended: Ended) -> int:
        pid = next(self.numbers)
        self.stand_ins[pid] = Process(slot, when_ended)
        return pid

    def hand_over(self, old: int, new: int) -> None:
        assert self.processes[new].told.is_loaded
        self.end_process(old, 0)

    def record_of(self, pid: int) -> ProcessRecord:
        return self.processes[pid].told

    def end(self, pid: int) -> None:
        self.end_process(pid, KILLED)

    def end_process(self, pid: int, code: int) -> None:
        where = self.stand_ins if pid in self.stand_ins else self.processes
        process = where.pop(pid)
        process.when_ended(process.told, code)

    def end_launcher(self, pid: int) -> None:
        del self.launchers[pid]
        if ended := self.attached.pop(pid, None):
            ended()

    def close_sockets(self) -> None:
        """What the kernel does when a fork server and its hosts have ended."""
        for one in (*(slot.listener for slot in self.slots), *self.found):
            one.close()

    def load(self, name: str, folder: Path) -> LaunchRequest:
        """What the frontend does for LOAD, up to the launcher's first word."""
        pid = next(self.numbers)
        request = LaunchRequest(pid, name, folder / name, "unix", str(folder / f"{pid}.sock"))
        self.registered[name] = request
        self.launchers[pid] = request
        return request

    def unload(self, name: str) -> None:
        """UNLOAD: the frontend ends the launcher, too."""
        request = self.registered.pop(name)
        if request.pid in self.launchers:
            self.end_launcher(request.pid)

    def answer_lists(self) -> None:
        lists, self.lists = self.lists, []
        for listed in lists:
            listed(set(self.registered))

    def serving(self, name: str) -> list[Process]:
        """The processes of a model whose socket the frontend can reach."""
        return [
            one
            for one in self.processes.values()
            if one.slot.request.model == name and one.slot.listener.fileno() >= 0
        ]


class Server(RuleBasedStateMachine):
    """A server with a model that is loaded, unloaded and hit in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = World()
        self.placements = self._new_placements([])

    def teardown(self) -> None:
        try:
            self.all_is_well_when_it_has_settled()
        finally:
            self.world.close_sockets()
            shutil.rmtree(self.folder)

    def _new_placements(self, found: list[socket.socket]) -> Placements:
        world, sockets = self.world, ModelSockets(found)
        world.found = found
        checks = RegistrationChecks(world, world.clock)
        watchdog = Watchdog(world, world.clock)
        return Placements(
            self.folder, world, NO_SHARED_HOSTS, world, checks, sockets, watchdog, world.clock
        )

    @precondition(lambda self: not self.is_registered)
    @rule(loads=st.booleans())
    def load(self, loads: bool) -> None:
        """LOAD, which may be done by the next step or not."""
        self.placements.announced(self.world.load(NAME, self.folder))
        if loads:
            self.finish_loading()

    @precondition(lambda self: not self.is_registered)
    @rule()
    def give_up_before_the_request_is_read(self) -> None:
        """The launcher of a LOAD ends first: the frontend forgets the model."""
        request = self.world.load(NAME, self.folder)
        self.world.unload(NAME)
        self.placements.announced(request)

    @precondition(lambda self: self.is_registered)
    @rule()
    def unload(self) -> None:
        self.world.unload(NAME)

    @precondition(lambda self: self.is_registered)
    @rule()
    def unload_and_load_again_at_once(self) -> None:
        """The new launcher's request may come before the end of the old one is noticed."""
        old = self.world.registered.pop(NAME)
        self.placements.announced(self.world.load(NAME, self.folder))
        if old.pid in self.world.launchers:
            self.world.end_launcher(old.pid)

    @precondition(lambda self: self.world.processes)
    @rule()
    def finish_loading(self) -> None:
        for process in self.world.serving(NAME):
            if not process.told.is_loaded:
                process.told.tell_loaded()

    @precondition(lambda self: self.world.processes)
    @rule(code=st.sampled_from([0, 1, KILLED]))
    def end_host(self, code: int) -> None:
        """A host ends, in any way; before it has loaded, that fails the frontend's LOAD."""
        pid, process = next(iter(self.world.processes.items()))
        is_failed_load = not self.has_loaded(process.slot.request)
        self.world.end_process(pid, code)
        if is_failed_load and self.world.registered.get(NAME) == process.slot.request:
            self.world.unload(NAME)

    @precondition(lambda self: self.is_registered and self.world.launchers)
    @rule()
    def kill_launcher(self) -> None:
        """Somebody kills a launcher. The frontend notices only while it loads the model."""
        request = self.world.registered[NAME]
        if request.pid not in self.world.launchers:
            return
        has_loaded = self.has_loaded(request)
        self.world.end_launcher(request.pid)
        if not has_loaded:
            self.world.unload(NAME)

    @rule(announces=st.booleans(), are_kept=st.booleans())
    def replace_fork_server(self, announces: bool, are_kept: bool) -> None:
        """The fork server is killed, its hosts with it, and another takes its place.

        As a rule the sockets are kept meanwhile. The frontend's LOAD of a model that is not loaded
        yet fails by that.
        """
        for request in list(self.world.registered.values()):
            if not self.has_loaded(request):
                self.world.unload(NAME)
        kept = [one.listener.dup() for one in self.world.slots if one.listener.fileno() >= 0]
        self.world.close_sockets()
        if not are_kept:
            for listener in kept:
                listener.close()
        self.world.processes.clear()
        self.world.stand_ins.clear()
        self.world.attached.clear()
        self.world.questions.clear()
        self.world.lists.clear()
        self.placements = self._new_placements(kept if are_kept else [])
        self.placements.restore()
        if announces:
            for request in list(self.world.launchers.values()):
                self.placements.announced(LaunchRequest(**{**vars(request), "again": True}))

    @precondition(lambda self: self.is_registered)
    @rule()
    def lose_all_knowledge(self) -> None:
        """The launcher is killed, what was saved is lost, and so is the fork server."""
        self.kill_launcher()
        for file in self.folder.glob("launch-*.json"):
            file.unlink()
        self.replace_fork_server(announces=False, are_kept=True)

    @precondition(lambda self: self.world.lists)
    @rule(says=st.booleans())
    def answer_a_list(self, says: bool) -> None:
        """The watchdog is answered, or the frontend does not say."""
        listed = self.world.lists.pop(0)
        listed(set(self.world.registered) if says else None)

    @precondition(lambda self: self.is_registered)
    @rule()
    def forget_without_a_word(self) -> None:
        """The frontend has lost a model, whose launcher lives on."""
        self.world.registered.pop(NAME)

    @rule()
    def reload(self) -> None:
        """Every model is loaded anew: while that is under way, it has two processes."""
        self.placements.reload(RELOAD_SECONDS)

    @rule()
    def look_after(self) -> None:
        self.placements.look_after()

    @rule()
    def all_is_well_when_it_has_settled(self) -> None:
        """Each registered model has one process, every other one none, within some seconds."""
        for _ in range(12):
            self.world.now += max(PAUSE_SECONDS, CHECK_SECONDS, GIVE_UP_SECONDS) + 0.1
            self.world.answer_lists()
            self.placements.look_after()
            questions, self.world.questions = self.world.questions, []
            for model, answered in questions:
                answered(model in self.world.registered)
        assert len(self.world.serving(NAME)) == self.is_registered
        assert len(self.placements) == len(self.world.registered)

    @property
    def is_registered(self) -> bool:
        return NAME in self.world.registered

    def has_loaded(self, request: LaunchRequest) -> bool:
        """Whether the frontend's LOAD has been answered."""
        for process in self.world.processes.values():
            if process.slot.request.pid == request.pid and process.told.is_loaded:
                self.world.answered.add(request.pid)
        return request.pid in self.world.answered


Server.TestCase.settings = settings(max_examples=300, stateful_step_count=20, deadline=None)
test_whatever_ends_in_whatever_order = Server.TestCase


def test_what_was_saved_is_told_to_the_next_fork_server(tmp_path: Path) -> None:
    """Until its model has left."""
    request = LaunchRequest(FIRST_PID, "größe", Path("/m"), "unix", str(tmp_path / "s"))
    slot = LauncherSlot(request, tmp_path, ModelSockets())
    saved = list(read_saved(tmp_path))

    slot.close()

    assert saved == [LaunchRequest(**{**vars(request), "again": True})]
    assert list(read_saved(tmp_path)) == []


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (HostState.NEW, HostRecord.loaded),
        (HostState.PAUSED, HostRecord.loaded),
        (HostState.GONE, HostRecord.forked),
        (HostState.SERVING, HostRecord.forked),
        (HostState.GIVEN_UP, lambda record: record.process_ended(refused=False)),
    ],
)
def test_what_cannot_happen_fails_by_name(
    state: HostState, event: Callable[[HostRecord], None]
) -> None:
    """The state is in the message."""
    record = HostRecord(has_served=False, is_one_of_many=True)
    record.state = state

    with pytest.raises(WrongState, match=state.name):
        event(record)


def test_a_process_tells_its_model_once() -> None:
    """LOADED, or REFUSING: not the one after the other."""
    record = ProcessRecord()
    record.tell_loaded()

    with pytest.raises(WrongState, match="REFUSING while it was LOADED"):
        record.tell_refusing()
    record.close()
