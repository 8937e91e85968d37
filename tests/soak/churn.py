"""Models that come and go: loaded, asked, unloaded, as SageMaker does it."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence

from byo.endpoint import Client, Response
from tests.soak.bodies import as_csv
from tests.soak.soak_models import SoakModel
from tests.soak.tally import PATIENCE_SECONDS, Asked, Tally

# The frontend waits so long for a process to start.
LOAD_SECONDS = 75.0
OK = frozenset({200})


class ModelChurn:
    """Loads and unloads models of its own until it is over.

    Args:
        url: the server's address.
        tally: what counts the outcomes.
        models: those that come and go.
        most: how many are to be loaded at a time.
    """

    def __init__(self, url: str, tally: Tally, models: Sequence[SoakModel], most: int) -> None:
        self._url = url
        self._tally = tally
        self._models = list(models)
        self._most = most

    def run(self, seed: str, over: threading.Event) -> None:
        """Until it is over; what is loaded then stays."""
        chance = random.Random(seed)
        loaded: list[SoakModel] = []
        while not over.is_set():
            if len(loaded) == self._most or (loaded and chance.random() < 0.4):
                model = loaded.pop(chance.randrange(len(loaded)))
                self._ask(model, chance)
                unload(self._url, self._tally, model.name)
            else:
                model = chance.choice([one for one in self._models if one not in loaded])
                response = load(self._url, self._tally, model)
                if response is None or response.status != 200:
                    # It may be there all the same, or be about to be forgotten.
                    unload(self._url, self._tally, model.name, frozenset({200, 404}))
                    continue
                loaded.append(model)
                self._ask(model, chance)
            over.wait(chance.uniform(0, 0.2))

    def _ask(self, model: SoakModel, chance: random.Random) -> None:
        rows = [(float(chance.randrange(10**9)), 0.0)]
        asked = Asked("of a model that comes and goes", model.name, OK, model.answer(rows))
        with Client(self._url, PATIENCE_SECONDS) as client:
            body, content_type = as_csv(rows)
            self._tally.ask(asked, lambda: client.invoke(body, content_type, None, model.name))


def load(url: str, tally: Tally, model: SoakModel) -> Response | None:
    """LOAD, as SageMaker asks for it."""
    document = json.dumps({"model_name": model.name, "url": str(model.folder)}).encode()
    headers = {"Content-Type": "application/json"}
    with Client(url, LOAD_SECONDS) as client:
        return tally.ask(
            Asked("LOAD", model.name, OK, bound=LOAD_SECONDS),
            lambda: client.request("POST", "/models", document, headers),
        )


def unload(url: str, tally: Tally, name: str, statuses: frozenset[int] = OK) -> Response | None:
    """UNLOAD."""
    with Client(url, LOAD_SECONDS) as client:
        return tally.ask(
            Asked("UNLOAD", name, statuses, bound=LOAD_SECONDS),
            lambda: client.request("DELETE", f"/models/{name}"),
        )


def registered(url: str) -> list[str]:
    """The names of all models that the frontend has."""
    with Client(url, LOAD_SECONDS) as client:
        document = json.loads(client.request("GET", "/models?limit=1000").body)
    return [model["modelName"] for model in document["models"]]
