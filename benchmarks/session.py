"""One run of the benchmark: which stacks take part, and rounds in which each has its turn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks import models
from benchmarks.load_run import LoadFailed
from benchmarks.models import Model
from benchmarks.stacks.server import Server, StackFailed, running
from benchmarks.stacks.stack import Stack
from contract.errors import ByoError

T = TypeVar("T")
FAILURES = (StackFailed, LoadFailed, ByoError)


@dataclass
class Session:
    """What all measures of a run share.

    Args:
        root: a scratch folder for models.
        stacks: the stacks that take part, by name.
        rounds: how many turns each stack has.
        seconds: how long a turn under load is.
        quick: whether slow things are to be done in short.
        say: where to tell what is going on.
    """

    root: Path
    stacks: Mapping[str, Stack]
    rounds: int
    seconds: float
    quick: bool
    say: Callable[[str], None]
    failures: list[str] = field(default_factory=list)
    _models: dict[str, Model] = field(default_factory=dict)
    _order: random.Random = field(default_factory=lambda: random.Random(0))

    def model(self, name: str) -> Model:
        """One of the models, fitted when it is first asked for."""
        if name not in self._models:
            self._models[name] = models.make(name, self.root)
        return self._models[name]

    def chosen(self, names: Iterable[str]) -> list[Stack]:
        """Those of these stacks that take part."""
        return [self.stacks[name] for name in names if name in self.stacks]

    @contextmanager
    def servers(
        self,
        names: Iterable[str],
        model: Model,
        settings: Mapping[str, str] | None = None,
        *,
        multi_model: bool = False,
    ) -> Iterator[dict[str, Server]]:
        """Servers of those of these stacks that take part and start, all at a time."""
        with ExitStack() as stack:
            servers = {}
            for chosen in self.chosen(names):
                with self._noting(chosen.name):
                    servers[chosen.name] = stack.enter_context(
                        running(chosen, model, settings, multi_model=multi_model)
                    )
            yield servers

    def take_turns(
        self, turns: Mapping[str, Callable[[], T]], rounds: int | None = None
    ) -> dict[str, list[T]]:
        """What each turn gave in each round; each round has another order.

        A stack that fails is noted as such and has no further turns and no values.
        """
        results: dict[str, list[T]] = {name: [] for name in turns}
        for _ in range(rounds or self.rounds):
            for name in self._order.sample(sorted(results), len(results)):
                with self._noting(name):
                    results[name].append(turns[name]())
                    continue
                del results[name]
        return results

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        try:
            yield
        except FAILURES as failure:
            said = f"{name}: {failure}"
            self.failures.append(said)
            self.say(f"failed: {said}")
