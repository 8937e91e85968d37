"""One server from its start to its stop: rounds of load and kills, a rest after each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from byo.command_errors import RunFailed
from byo.endpoint import Client
from tests.serving.backend.processes import AS_FIRST_PROCESS, Processes
from tests.serving.conftest import Server, Tree, make_tree, running
from tests.soak import churn
from tests.soak.bodies import as_csv
from tests.soak.churn import OK, ModelChurn
from tests.soak.clients import Caller, Stage
from tests.soak.evidence import Evidence
from tests.soak.killer import Journal, Killer
from tests.soak.levels import Level, level, settle
from tests.soak.schedule import schedule
from tests.soak.soak_models import TIMEOUT_SECONDS, SoakModel
from tests.soak.tally import Asked, Tally, run_clock, wrong_with

STAYING, ACTING, COMING_AND_GOING = 6, 3, 40
CHURNS, LOADED_EACH = 3, 4
FULL_PACE, FRESH = 4, 2
# How long there is load in a round, of a short run and of a long one.
SHORT_ROUND, LONG_ROUND = 30.0, 60.0
LONG_RUN = 600.0
LEAST_ROUNDS = 2
# What a round's rest may take, and a server's stop.
REST_SECONDS = 15.0
STOP_SECONDS = 40.0
# How long a model is waited for that does not answer after the kills.
GIVE_UP_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        mode: "single" or "multi".
        seconds: how long, altogether.
        seed: what kills and requests are drawn from.
        folder: where the journal, the server's log and what is found out go.
        workers: workers for each model.
    """

    mode: str
    seconds: float
    seed: int
    folder: Path
    workers: int

    @property
    def is_multi(self) -> bool:
        return self.mode == "multi"

    @property
    def round_seconds(self) -> float:
        return LONG_ROUND if self.seconds >= LONG_RUN else SHORT_ROUND


@dataclass
class Found:
    """What a run has found."""

    plan: Plan
    tally: Tally
    journal: Journal
    levels: list[Level] = field(default_factory=list)
    log_bytes: list[int] = field(default_factory=list)
    recoveries: dict[str, float] = field(default_factory=dict)
    stuck: list[str] = field(default_factory=list)
    start_seconds: float = 0.0
    unsettled: int = 0
    ended_early: bool = False
    exit_code: int | None = None
    leaked: list[str] = field(default_factory=list)
    left_files: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic


def run(plan: Plan, tell: Callable[[str], None]) -> Found:
    """Run one server through it all.

    Args:
        plan: what is to be done.
        tell: called with a line now and then.
    """
    plan.folder.mkdir(parents=True)
    tree = make_tree(plan.folder)
    temp = plan.folder / "tmp"
    temp.mkdir()
    models = [SoakModel(number, path, acts).save() for number, path, acts in _models(plan, tree)]
    processes = Processes(tree)
    clock = run_clock()
    found = Found(plan, Tally(clock), Journal(plan.folder / "journal.jsonl"), clock=clock)
    environ = {
        **AS_FIRST_PROCESS,
        "TMPDIR": str(temp),
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": str(TIMEOUT_SECONDS),
        "MODEL_SERVER_WORKERS": str(plan.workers),
        # Its heap has a size at which it is level soon.
        "SAGEMAKER_MODEL_SERVER_VMARGS": "-Xmx256m",
    }
    with running(tree, multi_model=plan.is_multi, **environ) as server:
        found.start_seconds = clock()
        tell(f"{plan.mode}: the server is ready; its log: {server.log}")
        _ServerRun(plan, server, processes, models, temp, found, tell).run()
        _stop(processes, found)
    found.leaked = [_named(one) for one in processes.all()]
    found.left_files = [str(file) for file in temp.rglob("*")]
    return found


def _models(plan: Plan, tree: Tree) -> list[tuple[int, Path, bool]]:
    """Each model's number, its folder, and whether it acts."""
    if not plan.is_multi:
        return [(1, tree.paths.model, True)]
    folder = tree.root / "models"
    names = [f"stays-{number}" for number in range(STAYING)]
    names += [f"acts-{number}" for number in range(ACTING)]
    names += [f"comes-and-goes-{number:02}" for number in range(COMING_AND_GOING)]
    return [
        (number, folder / name, name.startswith("acts"))
        for number, name in enumerate(names, start=1)
    ]


class _ServerRun:
    """A server that runs, through all rounds."""

    def __init__(
        self,
        plan: Plan,
        server: Server,
        processes: Processes,
        models: Sequence[SoakModel],
        temp: Path,
        found: Found,
        tell: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._url = server.client.url
        self._log = server.log
        self._processes = processes
        self._found = found
        self._tell = tell
        self._scratch = next(temp.iterdir())
        self._models = {model.name: model for model in models}
        self._staying = [one for one in models if "stays" in one.name] or list(models)
        self._acting = [one for one in models if one.acts]
        self._churning = [one for one in models if "comes" in one.name]
        found.tally.when_hung = Evidence(plan.folder, self._url, processes).take

    def run(self) -> None:
        """Rounds, as long as there is time for one: two at least, to be compared."""
        tally = self._found.tally
        if self._plan.is_multi:
            for model in {*self._staying, *self._acting}:
                churn.load(self._url, tally, model)
        number = 0
        needed = self._plan.round_seconds + REST_SECONDS
        while number < LEAST_ROUNDS or tally.clock() + needed < self._plan.seconds:
            try:
                self._load(number)
                self._rest(number)
            except (psutil.Error, ValueError, StopIteration, RunFailed) as error:
                self._found.ended_early = True
                self._tell(f"{self._plan.mode}: round {number} was broken off: {error!r}")
                return
            number += 1

    def _load(self, number: int) -> None:
        """All at once, for as long as a round lasts."""
        plan, tally, journal = self._plan, self._found.tally, self._found.journal
        over = threading.Event()
        seed = f"{plan.seed} {plan.mode} {number}"
        stage = Stage(
            self._url, plan.is_multi, self._staying, self._acting, tally, journal, over,
            tally.clock() + plan.round_seconds,
        )  # fmt: skip
        spared = self._staying[0].name if plan.is_multi else None
        staying = {model.name for model in (*self._staying, *self._acting)}
        killer = Killer(self._processes, journal, spared, staying, tally.clock)
        kills = schedule(plan.seed, plan.mode, number, plan.round_seconds)
        tasks = [*self._callers(stage, seed, number), *self._churns(seed, over)]
        tasks.append(lambda: killer.run(number, kills, over))
        with ThreadPoolExecutor(len(tasks)) as pool:
            under_way = [pool.submit(task) for task in tasks]
            over.wait(plan.round_seconds)
            over.set()
            self._find_stuck([model.name for model in {*self._staying, *self._acting}])
        for task in under_way:
            task.result()
        if plan.is_multi:
            # Not before: the frontend may forget to answer for a model that is just unloaded.
            names = self._registered()
            self._find_stuck([one.name for one in self._churning if one.name in names])

    def _callers(self, stage: Stage, seed: str, number: int) -> list[Callable[[], None]]:
        """What each client does; each has a number that none has in any round."""
        kinds: list[Callable[[Caller], None]] = [Caller.full_pace] * FULL_PACE
        kinds += [Caller.fresh] * FRESH
        kinds += [Caller.large, Caller.slowly, Caller.slowly, Caller.going, Caller.going]
        if self._plan.is_multi:
            kinds.append(Caller.watch)
        for model in self._acting:
            kinds.append(lambda caller, model=model: caller.act(model))  # type: ignore[misc]
        return [
            lambda kind=kind, place=place: kind(Caller(place, stage, seed))  # type: ignore[misc]
            for place, kind in enumerate(kinds, start=1)
        ]

    def _churns(self, seed: str, over: threading.Event) -> list[Callable[[], None]]:
        if not self._churning:
            return []
        parts = [self._churning[place::CHURNS] for place in range(CHURNS)]
        churns = [ModelChurn(self._url, self._found.tally, part, LOADED_EACH) for part in parts]
        return [
            lambda one=one, place=place: one.run(f"{seed} churn {place}", over)  # type: ignore[misc]
            for place, one in enumerate(churns)
        ]

    def _registered(self) -> set[str]:
        return set(churn.registered(self._url))

    def _find_stuck(self, names: Sequence[str]) -> None:
        """Ask models that are registered until they answer."""
        with ThreadPoolExecutor(len(names) or 1) as pool:
            recoveries = dict(zip(names, pool.map(self._seconds_until_answer, names), strict=True))
            for name, seconds in recoveries.items():
                if seconds is None:
                    self._found.stuck.append(name)
                    continue
                known = self._found.recoveries
                known[name] = max(known.get(name, 0.0), seconds)

    def _seconds_until_answer(self, name: str) -> float | None:
        """How long after the kills a model has answered; None if it has not."""
        model, begun = self._models[name], time.monotonic()
        rows = [(1.0, 0.0)]
        body, content_type = as_csv(rows)
        asked = Asked("after the kills", name, OK, model.answer(rows))
        while (left := begun + GIVE_UP_SECONDS - time.monotonic()) > 0:
            try:
                with Client(self._url, left) as client:
                    target = name if self._plan.is_multi else None
                    response = client.invoke(body, content_type, None, target)
            except RunFailed:
                continue
            if wrong_with(asked, response) is None:
                return time.monotonic() - begun
            time.sleep(0.1)
        return None

    def _rest(self, number: int) -> None:
        """Unload what comes and goes; then see what is held."""
        staying = {model.name for model in (*self._staying, *self._acting)}
        if self._plan.is_multi:
            for name in self._registered() - staying:
                churn.unload(self._url, self._found.tally, name)
        launchers = len(staying)
        if not settle(self._processes, self._scratch, launchers):
            self._found.unsettled += 1
        self._found.levels.append(level(self._processes, self._scratch))
        self._found.log_bytes.append(self._log.stat().st_size)
        tally = self._found.tally
        self._tell(
            f"{self._plan.mode}: round {number} is over after {tally.clock():.0f} s: "
            f"{sum(tally.statuses.values())} answers, {self._found.journal.kills} kills, "
            f"{len(tally.suspects)} to look at, "
            f"slowest recovery {max(self._found.recoveries.values(), default=0):.1f} s"
        )


def _stop(processes: Processes, found: Found) -> None:
    """Stop the server as SageMaker does."""
    try:
        supervisor = processes.supervisor()
        supervisor.terminate()
        found.exit_code = supervisor.wait(STOP_SECONDS)
    except (psutil.Error, ValueError):
        found.ended_early = found.ended_early or found.exit_code is None


def _named(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())[:100]}"
    except psutil.Error:
        return f"{process.pid}"
