"""One model of an endpoint: where it is, what it takes and how it is used."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum
from statistics import median

# So many of the last invocations' times are kept for the page that shows them.
KEPT_LATENCIES = 256


class ModelState(Enum):
    """Where a model is.

    ABSENT ──► LOADING ──► LOADED ──► UNLOADING ──► ON_DISK ──► LOADING …
                  │           │            │
                  └───────────┴────────────┴──► ON_DISK or ABSENT: the load failed, the container
                                                lost it, or its files are deleted

    From UNLOADING it is LOADED again where those that it was answering did not end in time.
    """

    ABSENT = "absent"
    LOADING = "loading"
    LOADED = "loaded"
    UNLOADING = "unloading"
    ON_DISK = "on disk"


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """A model as it is at a moment, for people.

    Args:
        target_model: its TargetModel.
        name: what the container knows it by; "" before it was first loaded.
        state: where it is.
        bytes: of memory that it takes, or took when it was last loaded.
        bytes_from: who says so: ``container``, or ``files`` where that does not tell.
        hits: invocations that found it loaded.
        invocations: all that were sent to it.
        loads: how often it was loaded.
        evictions: how often it was unloaded, to make room or as nothing is kept.
        last_used: when it was last invoked, in seconds of ``time.time``; 0 for never.
        in_flight: invocations that are under way.
        median_seconds: of the container's last answers; None before the first.
        longest_seconds: of the same.
    """

    target_model: str
    name: str
    state: ModelState
    bytes: int
    bytes_from: str
    hits: int
    invocations: int
    loads: int
    evictions: int
    last_used: float
    in_flight: int
    median_seconds: float | None
    longest_seconds: float | None


class CachedModel:
    """A model that was asked for.

    `changing` is held by whoever loads or unloads it. Invocations wait until it is loaded, and are
    admitted then: it is not unloaded before `in_flight` of those are answered. `losses` says how
    often the container has lost it by itself.

    Args:
        target_model: its TargetModel.
    """

    def __init__(self, target_model: str) -> None:
        self.target_model = target_model
        self.state = ModelState.ABSENT
        self.name = self.invoke_path = ""
        self.bytes = 0
        self.told = False
        self.in_flight = 0
        self.waiting: set[asyncio.Future[None]] = set()
        self.hits = self.invocations = self.loads = self.evictions = self.losses = 0
        self.last_used = 0.0
        self.latencies: deque[float] = deque(maxlen=KEPT_LATENCIES)
        self.changing = asyncio.Lock()
        self.idle = asyncio.Event()
        self.idle.set()

    def begin_loading(self) -> None:
        """Its files are brought, and the container is told to load it."""
        self._require("be loaded", ModelState.ABSENT, ModelState.ON_DISK)
        self.state = ModelState.LOADING

    def loaded(self, name: str, size: int, *, told: bool) -> None:
        """The container has it.

        Args:
            name: what the container knows it by.
            size: bytes of memory that it takes.
            told: whether the container said so.
        """
        self._require("have been loaded", ModelState.LOADING)
        self.state = ModelState.LOADED
        self.name, self.invoke_path = name, f"/models/{name}/invoke"
        self.bytes, self.told = size, told
        self.loads += 1
        for each in self.waiting:
            self.admit()
            each.set_result(None)
        self.waiting.clear()

    def failed(self, error: BaseException) -> None:
        """It is not loaded after all; those that wait get the error."""
        for each in self.waiting:
            each.set_exception(error)
        self.waiting.clear()

    def begin_unloading(self) -> None:
        """No more invocations are sent to it."""
        self._require("be unloaded", ModelState.LOADED)
        self.state = ModelState.UNLOADING

    def kept(self) -> None:
        """It is loaded still: what it was answering did not end in time."""
        self._require("be kept", ModelState.UNLOADING)
        self.state = ModelState.LOADED

    def gone(self, *, on_disk: bool) -> None:
        """The container does not have it, or not any more."""
        self.state = ModelState.ON_DISK if on_disk else ModelState.ABSENT

    @property
    def is_loaded(self) -> bool:
        """Whether the container has it, and invocations may be sent to it."""
        return self.state is ModelState.LOADED

    def admit(self) -> None:
        """An invocation of it begins, which `ended` ends."""
        self.in_flight += 1
        self.idle.clear()

    async def admitted(self, seconds: float) -> bool:
        """Wait until it is loaded, with an invocation of it begun; False where it was not in time.

        Raises:
            Exception: it can't be loaded.
        """
        waiter = asyncio.get_running_loop().create_future()
        self.waiting.add(waiter)
        try:
            await asyncio.wait({waiter}, timeout=seconds)
        except asyncio.CancelledError:
            if waiter.done() and waiter.exception() is None:
                self.ended()
            raise
        finally:
            self.waiting.discard(waiter)
        if not waiter.done():
            return False
        waiter.result()
        return True

    def sent(self) -> None:
        """An invocation goes to the container."""
        self.invocations += 1
        self.last_used = time.time()

    def ended(self) -> None:
        """An invocation of it has ended, whichever way."""
        self.in_flight -= 1
        if not self.in_flight:
            self.idle.set()

    def snapshot(self) -> ModelSnapshot:
        """What there is to tell of it."""
        return ModelSnapshot(
            target_model=self.target_model,
            name=self.name,
            state=self.state,
            bytes=self.bytes,
            bytes_from="container" if self.told else "files",
            hits=self.hits,
            invocations=self.invocations,
            loads=self.loads,
            evictions=self.evictions,
            last_used=self.last_used,
            in_flight=self.in_flight,
            median_seconds=median(self.latencies) if self.latencies else None,
            longest_seconds=max(self.latencies) if self.latencies else None,
        )

    def _require(self, what: str, *states: ModelState) -> None:
        if self.state not in states:
            raise RuntimeError(
                f"model {self.target_model} is {self.state.value}: it can't {what} now"
            )
