"""Who asks: at full pace, slowly, with large bodies, going away, or for a model to fail."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from byo.command_errors import RunFailed
from byo.endpoint import Client
from tests.soak.bodies import GOOD, UNFIT, UNREADABLE, Body, as_csv, as_npy
from tests.soak.killer import Entry, Journal
from tests.soak.raw_client import request_text, send_part, send_slowly
from tests.soak.soak_models import ACTS, DEAF_SECONDS, MARGIN_SECONDS, TIMEOUT_SECONDS, SoakModel
from tests.soak.tally import PATIENCE_SECONDS, Asked, Tally

BOUND = TIMEOUT_SECONDS + MARGIN_SECONDS
DEAF_BOUND = BOUND + DEAF_SECONDS
# How long a model that answers at once may take: less than the slow ones beside it do.
WATCH_BOUND = 5.0
# How long it takes to send a request a byte at a time, at most.
SEND_SECONDS = 10.0
LARGE_ROWS = 30_000
BYTE_PAUSE = 0.02
# Who asks the model that nobody kills.
WATCH = "watch"
REFUSALS = frozenset({400, 406, 413, 415, 422})
OK = frozenset({200})


@dataclass(frozen=True)
class Stage:
    """What the clients of one round share.

    Args:
        url: the server's address.
        is_multi: whether there are many models.
        models: those that stay, and are asked for numbers.
        acting: those that are asked to fail.
        tally: what counts the outcomes.
        journal: where the ends of processes are written down.
        over: set when the round is over.
        ends_at: when that will be, on the clock of the tally.
    """

    url: str
    is_multi: bool
    models: Sequence[SoakModel]
    acting: Sequence[SoakModel]
    tally: Tally
    journal: Journal
    over: threading.Event
    ends_at: float

    def target(self, model: SoakModel) -> str | None:
        """How a model is named in a request."""
        return model.name if self.is_multi else None

    def path(self, model: SoakModel) -> str:
        return f"/models/{model.name}/invoke" if self.is_multi else "/invocations"


class Caller:
    """One client: draws what it asks, with numbers that no other caller has.

    Args:
        number: which client it is.
        stage: what all share.
        seed: what its requests are drawn from.
    """

    def __init__(self, number: int, stage: Stage, seed: str) -> None:
        self._number = number
        self._stage = stage
        self._chance = random.Random(f"{seed} {number}")
        self._asked = 0
        self._client = Client(stage.url, PATIENCE_SECONDS)

    def full_pace(self) -> None:
        """Good and bad requests to any model, one after another, on one connection."""
        self._repeat(lambda: self._ask(self._client, "kept connection"), 0.01)

    def fresh(self) -> None:
        """The same, each on a connection of its own."""

        def ask() -> None:
            with Client(self._stage.url, PATIENCE_SECONDS) as client:
                self._ask(client, "own connection")

        self._repeat(ask, 0.03)

    def watch(self) -> None:
        """The one model that nobody kills, for what others do to it."""
        self._repeat(lambda: self._ask_good(self._client, WATCH, self._stage.models[0]), 0.1)

    def large(self) -> None:
        """Bodies of many rows."""

        def ask() -> None:
            model = self._model()
            start = self._next()
            rows = [(start + place, 0.0) for place in range(LARGE_ROWS)]
            encode = self._chance.choice((as_csv, as_npy))
            self._send(self._client, "large body", model, rows, encode)

        self._repeat(ask, 2.0)

    def act(self, model: SoakModel) -> None:
        """Have one model do what harms it."""
        self._repeat(lambda: self._have_act(model), 0.3)

    def slowly(self) -> None:
        """A byte at a time."""

        def ask() -> None:
            stage, model, rows = self._stage, self._model(), [(self._next(), 0.0)]
            bound = BOUND + SEND_SECONDS
            asked = Asked("a byte at a time", model.name, OK, model.answer(rows), bound)
            text = request_text(stage.path(model), *as_csv(rows))
            stage.tally.ask(
                asked,
                lambda: send_slowly(stage.url, text, BYTE_PAUSE, PATIENCE_SECONDS, stage.over),
            )

        self._repeat(ask, 0.1)

    def going(self) -> None:
        """Stops in the midst of a request, or goes before its answer."""

        def ask() -> None:
            stage, chance = self._stage, self._chance
            text = request_text(stage.path(self._model()), *as_csv([(self._next(), 0.0)] * 500))
            part = text[: chance.randrange(len(text))] if chance.random() < 0.7 else text
            who = "stops halfway" if part != text else "goes before the answer"
            # A request that can be seen to be wrong halfway may be answered, and closed.
            with suppress(RunFailed):
                send_part(stage.url, part, chance.choice((0.0, 0.05, 3.0)), stage.over)
            stage.tally.gave_up(who)

        self._repeat(ask, 0.2)

    def _repeat(self, ask: Callable[[], None], pause: float) -> None:
        try:
            while not self._stage.over.is_set():
                ask()
                self._stage.over.wait(pause * self._chance.uniform(0.5, 1.5))
        finally:
            self._client.__exit__(None, None, None)

    def _model(self) -> SoakModel:
        return self._chance.choice(self._stage.models)

    def _next(self) -> float:
        """A number that no other request has."""
        self._asked += 1
        return float(self._number * 10**8 + self._asked * 50)

    def _ask(self, client: Client, who: str) -> None:
        if self._chance.random() < 0.1:
            self._ask_bad(client)
        else:
            self._ask_good(client, who, self._model())

    def _ask_good(self, client: Client, who: str, model: SoakModel) -> None:
        start, number = self._next(), self._chance.randint(1, 5)
        rows = [(start + place, 0.0) for place in range(number)]
        self._send(client, who, model, rows, self._chance.choice(GOOD))

    def _send(
        self,
        client: Client,
        who: str,
        model: SoakModel,
        rows: list[tuple[float, float]],
        encode: Callable[[list[tuple[float, float]]], Body],
    ) -> None:
        body, content_type = encode(rows)
        bound = WATCH_BOUND if who == WATCH else BOUND
        asked = Asked(who, model.name, OK, model.answer(rows), bound)
        target = self._stage.target(model)
        self._stage.tally.ask(
            asked, lambda: client.invoke(body, content_type, "application/json", target)
        )

    def _ask_bad(self, client: Client) -> None:
        model = self._model()
        bodies = UNREADABLE if model.acts else (*UNREADABLE, *UNFIT)
        body, content_type = self._chance.choice(bodies)
        asked = Asked("bad body", model.name, REFUSALS, None, BOUND)
        target = self._stage.target(model)
        self._stage.tally.ask(asked, lambda: client.invoke(body, content_type, None, target))

    def _have_act(self, model: SoakModel) -> None:
        stage = self._stage
        act = self._chance.choice(ACTS)
        begun = stage.tally.clock()
        if begun + act.seconds + MARGIN_SECONDS > stage.ends_at:
            return
        rows = [(self._next(), float(act.code))]
        if act.is_fatal:
            stage.journal.note(
                Entry(begun, begun + act.seconds + MARGIN_SECONDS, model.name), act=act.name
            )
        bound = DEAF_BOUND if act.name == "hang deaf" else BOUND
        asked = Asked(
            f"act: {act.name}", model.name, frozenset({int(act.status)}), model.answer(rows), bound
        )
        with Client(stage.url, PATIENCE_SECONDS) as client:
            body, content_type = as_csv(rows)
            stage.tally.ask(
                asked, lambda: client.invoke(body, content_type, None, stage.target(model))
            )
