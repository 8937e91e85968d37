"""Whatever happens in whatever order, what the cache believes is what is there, and all goes on."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byo.command_errors import RunFailed
from byo.runtime.models import ModelCache
from tests.runtime_models.places import SIZE, ask, cache_of, check_consistent, settled, store_with
from tests.runtime_models.stub_container import StubContainer

TARGETS = [f"{letter}.tar.gz" for letter in "abcdef"]
TARGET = st.sampled_from(TARGETS)
STEPS = st.one_of(
    st.tuples(st.just("invoke"), TARGET),
    st.tuples(st.just("invoke"), TARGET),
    st.tuples(st.just("give up"), TARGET),
    st.tuples(st.just("cancel"), TARGET),
    st.tuples(st.just("lose"), TARGET),
    st.tuples(st.just("fail"), TARGET),
    st.tuples(st.just("mend"), TARGET),
    st.tuples(st.just("turn"), st.integers(1, 30)),
    st.tuples(st.sampled_from(["restart", "loads", "invocations", "wait"]), st.none()),
)


class Story:
    """What happens to one cache, step by step."""

    def __init__(self, cache: ModelCache, stub: StubContainer) -> None:
        self.cache, self.stub = cache, stub
        self.asked: list[asyncio.Task[int]] = []
        self.lost = 0

    async def step(self, what: str, given: object) -> None:
        stub = self.stub
        if what in ("invoke", "cancel", "give up"):
            seconds = 0.0 if what == "give up" else 20.0
            task = asyncio.create_task(self.invoke(str(given), seconds))
            self.asked.append(task)
            if what == "cancel":
                await asyncio.sleep(0)
                task.cancel()
        elif what == "lose":
            stub.lose(str(given))
            self.lost += 1
        elif what == "fail":
            stub.failing[str(given)] = (500, b"broken")
        elif what == "mend":
            stub.failing.pop(str(given), None)
        elif what == "restart":
            stub.restart()
            self.cache.container_restarted()
        else:
            await self.let_go_on(what, given)

    async def invoke(self, target: str, seconds: float) -> int:
        answer = await self.cache.invoke(target, (), b"x", timeout=seconds)
        assert answer.status != 200 or answer.body == f"{target}:x".encode()
        return answer.status

    async def let_go_on(self, what: str, given: object) -> None:
        gates = {"loads": self.stub.load_gate, "invocations": self.stub.invoke_gate}
        if what in gates:
            gate = gates[what]
            (gate.clear if gate.is_set() else gate.set)()
        elif what == "wait":
            await asyncio.sleep(0.005)  # threads get on
        else:
            for _ in range(int(str(given))):
                await asyncio.sleep(0)

    async def end(self) -> None:
        """All gates open; everything that was asked has an answer, or an error that says why."""
        self.stub.failing.clear()
        self.stub.load_gate.set()
        self.stub.invoke_gate.set()
        for outcome in await asyncio.gather(*self.asked, return_exceptions=True):
            known = (int, RunFailed, asyncio.CancelledError, TimeoutError)
            assert isinstance(outcome, known), outcome
            if isinstance(outcome, int):  # one that is lost twice meanwhile is not loaded thrice
                assert outcome == 200 or (outcome in (404, 503) and self.lost > 1)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(STEPS, max_size=40),
    memory=st.sampled_from([None, SIZE, 3 * SIZE]),
    limit=st.sampled_from([None, 2 * SIZE, 4 * SIZE]),
    caching=st.booleans(),
    disk=st.sampled_from([None, 12, 30]),
)
def test_any_order(
    steps: list[tuple[str, object]],
    memory: int | None,
    limit: int | None,
    caching: bool,
    disk: int | None,
) -> None:
    """Invocations, failures, losses, restarts, cancellations; at the end every model answers."""

    async def scenario(place: Path) -> None:
        stub, store = StubContainer(limit), store_with(place / "s", TARGETS)
        folder = place / "models"
        async with cache_of(
            stub, store, folder, memory=memory, disk=disk, caching=caching
        ) as cache:
            story = Story(cache, stub)
            for what, given in steps:
                await story.step(what, given)
            await story.end()
            await settled(cache)
            for target in TARGETS:
                assert await ask(cache, target) == f"{target}:x"
                await settled(cache)
            # What was lost without a word, and not asked for since, is not known to be so.
            check_consistent(cache, stub, folder)
            assert memory is None or stub.taken <= memory
            assert disk is None or cache.disk <= disk
            assert caching or stub.models == {}

    with tempfile.TemporaryDirectory() as place:
        asyncio.run(scenario(Path(place)))
