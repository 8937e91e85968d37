"""Whether a single model is well, on a clock of the tests' own, and what /ping then says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.settings import ServingSettings
from handler.processes.model_load_events import ForkServerAlive, ProcessEnded, decode, encode
from handler.serve.model_health import (
    FATAL_FAULTS,
    FATAL_KILLS,
    GAP_SECONDS,
    STEADY_SECONDS,
    UNWELL_ENDS,
    ModelHealth,
    ModelState,
)
from handler.serve.model_load_watch import ModelUnavailable
from handler.serve.readiness import FILE, READY, SILENT_SECONDS, START_SECONDS, Readiness

STARTUP_TIMEOUT = 60.0


@dataclass
class Clock:
    """The time as the test has it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(clock: Clock) -> ModelHealth:
    """A model that has loaded within a second."""
    health = ModelHealth(STARTUP_TIMEOUT, clock)
    assert health.problem() == "the model is being loaded"
    health.loaded(1.0)
    assert health.problem() is None
    return health


def ended(
    *,
    was_killed: bool = False,
    was_busy: bool = False,
    has_answered: bool = False,
    seconds: float = 1,
) -> ProcessEnded:
    return ProcessEnded(7, "killed by SIGSEGV", was_killed, was_busy, has_answered, seconds)


def test_events_are_handed_over() -> None:
    """As what they were."""
    for event in (ended(), ForkServerAlive(7, True)):
        assert decode(encode(event)) == event


def test_a_short_gap_is_no_problem(model: ModelHealth, clock: Clock) -> None:
    """A host is replaced meanwhile, or the fork server."""
    model.told(is_serving=False)
    clock.now += GAP_SECONDS
    assert model.problem() is None
    model.told(is_serving=True)
    clock.now += STARTUP_TIMEOUT

    assert model.problem() is None


def test_a_long_gap_is_a_problem_until_it_ends(model: ModelHealth, clock: Clock) -> None:
    """It begins with the first word of it."""
    model.told(is_serving=False)
    clock.now += GAP_SECONDS
    model.fork_server_ended()
    model.told(is_serving=False)
    clock.now += 3

    assert model.problem() == f"the model has had no process for {GAP_SECONDS + 3:.0f} s"
    model.loaded(0.5)
    assert model.problem() is None


def test_a_model_that_loads_slowly_may_be_away_longer(clock: Clock) -> None:
    """What is normal for it is no problem."""
    model = ModelHealth(STARTUP_TIMEOUT, clock)
    model.told(is_serving=False)
    model.fork_server_ended()
    assert model.state is ModelState.LOADING  # a first load is others' concern
    model.loaded(20.0)
    model.told(is_serving=False)
    clock.now += 45

    assert model.problem() is None


def test_a_model_that_is_never_loaded_again_ends_the_server(
    model: ModelHealth, clock: Clock
) -> None:
    """As one that does not load in time at first."""
    model.told(is_serving=False)
    clock.now += STARTUP_TIMEOUT + GAP_SECONDS + 1

    with pytest.raises(ModelUnavailable, match="not loaded again within 60"):
        model.problem()


@pytest.mark.parametrize(("was_killed", "fatal"), [(False, FATAL_FAULTS), (True, FATAL_KILLS)])
def test_ends_in_a_row(model: ModelHealth, was_killed: bool, fatal: int) -> None:
    """Three make it unwell; in the end it is given up, with the reason."""
    for number in range(1, fatal):
        model.process_ended(ended(was_killed=was_killed))
        assert (model.problem() is not None) == (number >= UNWELL_ENDS)

    with pytest.raises(ModelUnavailable, match=f"ended {fatal} times in a row.*killed by SIGSEGV"):
        model.process_ended(ended(was_killed=was_killed))


def test_loads_that_are_killed_in_a_row(model: ModelHealth) -> None:
    """They count as kills of a process that has loaded."""
    for _ in range(FATAL_KILLS - 1):
        model.load_ended(7)

    with pytest.raises(ModelUnavailable, match=f"{FATAL_KILLS} times in a row.*while it loaded"):
        model.load_ended(7)


@pytest.mark.parametrize("good", [ended(has_answered=True), ended(seconds=STEADY_SECONDS + 1)])
def test_an_end_after_an_answer_begins_a_new_row(model: ModelHealth, good: ProcessEnded) -> None:
    """And so does one after a while."""
    for _ in range(10):
        model.process_ended(ended())
        model.process_ended(ended())
        model.process_ended(good)

    assert model.problem() is None


def test_what_callers_send_makes_it_unwell_at_most(model: ModelHealth, clock: Clock) -> None:
    """A body that kills who reads it must not end the server, which is well again in a while."""
    for _ in range(100):
        model.process_ended(ended(was_busy=True))
    assert model.problem() is not None

    clock.now += STEADY_SECONDS + 1

    assert model.problem() is None


@pytest.fixture
def many(tmp_path: Path, clock: Clock) -> Readiness:
    """The readiness of a server of many models."""
    return Readiness(tmp_path, ServingSettings(multi_model=True), clock)


def said(folder: Path) -> str:
    return (folder / FILE).read_text().strip()


def test_a_fork_server_that_is_silent(many: Readiness, tmp_path: Path, clock: Clock) -> None:
    """It may take its time to start, later it has to be heard of."""
    for seconds, is_ready in ((0, True), (START_SECONDS, True), (1, False)):
        clock.now += seconds
        many.look()
        assert (said(tmp_path) == READY) == is_ready
    many.fork_server_lives(ForkServerAlive(7, False))
    for seconds, is_ready in ((0, True), (SILENT_SECONDS, True), (1, False)):
        clock.now += seconds
        many.look()
        assert (said(tmp_path) == READY) == is_ready
    many.fork_server_ended()
    many.look()
    assert said(tmp_path) == READY


def test_one_of_many_models_is_nobodys_concern(many: Readiness, tmp_path: Path) -> None:
    """Whatever is told of it."""
    for _ in range(100):
        many.process_ended(ended())
    many.model_loaded(1.0)
    many.look()

    assert said(tmp_path) == READY


def test_a_stop_is_said_at_once(many: Readiness, tmp_path: Path) -> None:
    """While what is under way is answered."""
    many.look()
    many.stopping()

    assert said(tmp_path) == "the server is stopping"


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, clock: Clock) -> None:
    """It has no file any more; when it can be written to again, it has."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    ready = Readiness(folder, ServingSettings(multi_model=True), clock)
    ready.look()
    (folder / FILE).with_suffix(".new").mkdir()  # where the new one would have to be
    clock.now += 2
    ready.look()
    assert not (folder / FILE).exists()

    (folder / FILE).with_suffix(".new").rmdir()
    clock.now += 2
    ready.look()
    assert said(folder) == READY


def test_a_server_without_fork_server_does_not_wait_for_one(tmp_path: Path, clock: Clock) -> None:
    """multi-model-server's own workers have none."""
    ready = Readiness(tmp_path, ServingSettings(multi_model=True, backend="stock"), clock)
    clock.now += 1000
    ready.look()

    assert said(tmp_path) == READY
