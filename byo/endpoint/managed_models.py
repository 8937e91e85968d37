"""The models of a multi-model server: list, load and unload them, as SageMaker does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlencode

from byo.command_errors import RequestFailed, UsageError
from byo.endpoint.client import Client, Response

JSON_HEADERS = {"Content-Type": "application/json"}
# What to do, by the status of an answer to LOAD, UNLOAD or LIST.
ADVICE: dict[int, str] = {
    HTTPStatus.CONFLICT: "`byo unload {name}` first to load it anew",
    HTTPStatus.NOT_FOUND: "`byo models` lists what is loaded",
    HTTPStatus.INTERNAL_SERVER_ERROR: "the server's log says why {name} can't be loaded",
    HTTPStatus.INSUFFICIENT_STORAGE: "unload another model, or give the server more memory",
}
# What the frontend says where it does not manage models.
NO_MANAGEMENT = b"Requested resource is not found"
SINGLE_MODEL = "this server has one model; `byo serve --multi-model` starts one for many"


@dataclass(frozen=True)
class ManagedModel:
    """A model that is loaded: its name, and the folder that it was loaded from."""

    name: str
    url: str


def list_models(client: Client) -> list[ManagedModel]:
    """All models that are loaded, page by page.

    Raises:
        RequestFailed: the server does not manage models, or refuses.
    """
    found: list[ManagedModel] = []
    token = None
    while True:
        query = f"?{urlencode({'next_page_token': token})}" if token else ""
        page = _require(client.request("GET", f"/models{query}"), "").document
        if page is None:
            raise RequestFailed(f"what listens at {client.url} is no server of many models")
        for each in page.get("models") or ():
            found.append(ManagedModel(str(each["modelName"]), str(each["modelUrl"])))
        token = page.get("nextPageToken")
        if not token:
            return found


def load_model(client: Client, name: str, place: str) -> None:
    """Load a model under a name.

    Args:
        client: of the server.
        name: what it is invoked by.
        place: a model directory of this machine, or, where the server is in a container, the
            path that the container sees it at.

    Raises:
        UsageError: there is no such folder here, and it is no path of a container's.
        RequestFailed: the server can't load it; the message has the reason and what to do.
    """
    folder = Path(place)
    if folder.is_file():
        raise UsageError(f"{place} is a file: name the folder that it is in")
    if not folder.is_dir() and not folder.is_absolute():
        raise UsageError(f"{place} is not a folder")
    url = str(folder.resolve()) if folder.is_dir() else place
    body = json.dumps({"model_name": name, "url": url}).encode()
    _require(client.request("POST", "/models", body, JSON_HEADERS), name)


def unload_model(client: Client, name: str) -> None:
    """Unload a model.

    Raises:
        RequestFailed: there is no such model, or the server refuses.
    """
    _require(client.request("DELETE", f"/models/{quote(name, safe='')}"), name)


def _require(answer: Response, name: str) -> Response:
    if answer.ok:
        return answer
    if NO_MANAGEMENT in answer.body:
        raise RequestFailed(SINGLE_MODEL)
    advice = ADVICE.get(answer.status) if name else None
    if advice is None:
        raise RequestFailed(answer.failure())
    raise RequestFailed(f"{answer.failure().rstrip('.')}: {advice.format(name=name)}")
