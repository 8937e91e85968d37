"""Servers in a real memory control group: what does not fit is refused, and who serves goes on."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor

from tests.memory_group import MemoryGroup, memory_group
from tests.serving.backend.conftest import Observed, observed
from tests.serving.backend.processes import Processes, eventually
from tests.serving.conftest import make_tree, run_to_its_end, running, save_positional

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024
LIMIT = 900
# Takes what there is, slower and faster than anybody looks.
BY_AND_BY = """
import time
def grow(*_):
    kept = []
    while True:
        kept.append(bytearray(4 << 20))
        time.sleep(0.01)
"""
AT_ONCE = """
import numpy as np
def grow(*_):
    return [np.ones(1 << 27) for _ in iter(int, 1)]
"""


@dataclass(frozen=True)
class Crowded:
    """A server of many models in a group of little memory."""

    one: Observed
    group: MemoryGroup

    def load(self, folder: Path) -> tuple[int, dict[str, Any]]:
        """LOAD; the status, and the document."""
        asked = json.dumps({"model_name": folder.name, "url": str(folder)}).encode()
        with self.one.client() as client:
            answer = client.request("POST", "/models", asked, {"Content-Type": "application/json"})
        return answer.status, json.loads(answer.body)

    def get(self, path: str) -> Any:
        with self.one.client() as client:
            return json.loads(client.request("GET", path).body)

    def listed(self) -> list[str]:
        return [model["modelName"] for model in self.get("/models")["models"]]

    def model(self, name: str, code: str) -> Path:
        """A model with code of its own."""
        folder = self.one.model(name, None)
        (folder / "code").mkdir()
        (folder / "code" / "inference.py").write_text(code)
        return folder


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowded]:
    with memory_group(LIMIT) as group, ExitStack() as stack:
        with group.joined():
            one = stack.enter_context(
                observed(tmp_path_factory.mktemp("crowded"), multi_model=True)
            )
        yield Crowded(one, group)


@pytest.fixture(scope="module")
def neighbour(crowded: Crowded) -> tuple[Path, int]:
    """A model that is served all the while, and its process."""
    folder = crowded.one.model("neighbour")
    assert crowded.one.load(folder) == 200
    return folder, crowded.one.answering(folder)


def save_large(folder: Path, megabytes: int) -> None:
    """A model of two columns that holds so much of what it was fitted on."""
    X = np.zeros((megabytes * MEBIBYTE // 16, 2))
    model = KNeighborsRegressor(1, algorithm="brute").fit(X, np.zeros(len(X), dtype=np.int8))
    joblib.dump(model, folder / "model.joblib")


def larger_than_the_group(folder: Path) -> None:
    """An artifact whose size alone says that it can't fit; most of it is a hole."""
    joblib.dump({"weights": np.ones(8)}, folder / "model.joblib")
    with (folder / "model.joblib").open("r+b") as stream:
        stream.truncate(2 * LIMIT * MEBIBYTE)


def test_an_artifact_that_cannot_fit_is_refused_untried(
    crowded: Crowded, neighbour: tuple[Path, int]
) -> None:
    """With the figures; the model is not kept, and its next LOAD is a new one."""
    folder = crowded.one.model("vast", None)
    larger_than_the_group(folder)

    status, told = crowded.load(folder)

    assert status == 507
    assert told["needed"] > 1.8 * LIMIT * MEBIBYTE
    assert 0 < told["free"] < LIMIT * MEBIBYTE == told["limit"]
    (loaded,) = told["loaded"]
    assert loaded["modelName"] == "neighbour"
    assert 0 < loaded["memoryBytes"] < 100 * MEBIBYTE
    assert "it needs at least 1" in told["message"]
    assert told["code"] == 507
    eventually(lambda: crowded.listed() == ["neighbour"])
    save_positional(folder)
    assert crowded.one.load(folder) == 200
    assert crowded.one.unload(folder) == 200
    assert crowded.group.kills() == 0


def test_loads_that_come_together_are_weighed_together(crowded: Crowded) -> None:
    """Each would fit alone: so many are loaded as fit, the others are refused, none is killed."""
    folders = [crowded.one.model(f"large{number}", None) for number in range(4)]
    for folder in folders:
        save_large(folder, 180)
    kills = crowded.group.kills()

    with ThreadPoolExecutor(len(folders)) as pool:
        answers = list(pool.map(crowded.load, folders))

    loaded = [one for one, (status, _) in zip(folders, answers, strict=True) if status == 200]
    assert 0 < len(loaded) < len(folders)
    assert all(status in (200, 507) for status, _ in answers)
    assert all(told["needed"] > told["free"] for status, told in answers if status == 507)
    assert crowded.group.kills() == kills
    for folder in loaded:
        assert crowded.get(f"/models/{folder.name}")["memoryBytes"] > 170 * MEBIBYTE
        assert crowded.one.unload(folder) == 200


def test_a_load_that_takes_too_much_ends_before_the_kernel_has_to(
    crowded: Crowded, neighbour: tuple[Path, int]
) -> None:
    """Nothing foretells it; nobody else is ended, and 507 says what there was."""
    folder = crowded.model("grows", BY_AND_BY + "model_fn = grow\n")

    status, told = crowded.load(folder)

    assert status == 507
    assert told["needed"] >= told["free"] > 100 * MEBIBYTE
    assert "there is not enough memory" in told["message"]
    eventually(lambda: crowded.listed() == ["neighbour"])
    assert crowded.group.kills() == 0
    assert crowded.one.answering(neighbour[0]) == neighbour[1]
    assert "model 'grows' can't be loaded: " in crowded.one.log


def test_a_load_that_takes_all_at_once_ends_alone(
    crowded: Crowded, neighbour: tuple[Path, int]
) -> None:
    """Where the kernel is faster, it ends the process that loads, as it is told to."""
    folder = crowded.model("swells", AT_ONCE + "model_fn = grow\n")

    status, told = crowded.load(folder)

    assert (status, told["needed"] >= told["free"] > 0) == (507, True)
    eventually(lambda: crowded.listed() == ["neighbour"])
    assert crowded.one.answering(neighbour[0]) == neighbour[1]


def test_who_waits_is_not_ended_for_who_predicts(crowded: Crowded) -> None:
    """Though it is larger by far: it is the other one that takes the memory."""
    source = "import numpy as np\ndef model_fn(path): return np.ones(350 << 17)\n"
    source += "import os\ndef predict_fn(data, model): return [os.getpid()]\n"
    large = crowded.model("large", source)
    source = "import time\n" + BY_AND_BY
    source += "def predict_fn(data, model): return time.sleep(1.5) or grow()\n"
    greedy = crowded.model("greedy", source)
    assert crowded.one.load(large) == crowded.one.load(greedy) == 200
    process = crowded.one.invoke(large, "1,2\n")
    assert process[0] == 200

    assert crowded.one.invoke(greedy, "1,2\n")[0] == 507

    assert crowded.one.invoke(large, "1,2\n") == process
    assert crowded.one.unload(large) == crowded.one.unload(greedy) == 200


def test_who_asks_for_more_than_there_is_lives_on(crowded: Crowded) -> None:
    """Its code gets a MemoryError, which is 507; the same process answers the next."""
    source = "import os\nimport numpy as np\n"
    source += "def predict_fn(data, model):\n"
    source += "    return [os.getpid()] if len(data) == 1 else np.ones(1 << 30)\n"
    folder = crowded.model("asks", source)
    assert crowded.one.load(folder) == 200
    process = crowded.one.invoke(folder, "1,2\n")

    status, problem = crowded.one.invoke(folder, "1,2\n3,4\n")

    assert (status, problem["status"]) == (507, 507)
    assert crowded.one.invoke(folder, "1,2\n") == process
    assert crowded.one.unload(folder) == 200


@pytest.mark.parametrize("code", [BY_AND_BY, AT_ONCE], ids=["by and by", "at once"])
def test_a_prediction_out_of_memory_is_answered_with_507(
    crowded: Crowded, neighbour: tuple[Path, int], code: str
) -> None:
    """Its process ends by it, the server lives, and the model answers again."""
    name = "asked" + str(len(code))
    source = code + "def predict_fn(data, model): return [1] if len(data) == 1 else grow()\n"
    folder = crowded.model(name, source)
    assert crowded.one.load(folder) == 200

    status, problem = crowded.one.invoke(folder, "1,2\n3,4\n")

    assert (status, problem["status"]) == (507, 507)
    assert "not enough memory for this invocation" in problem["detail"]
    assert eventually(lambda: crowded.one.invoke(folder, "1,2\n")[0] == 200)
    assert crowded.one.answering(neighbour[0]) == neighbour[1]
    assert crowded.one.unload(folder) == 200
    with crowded.one.client() as client:
        assert client.ping().status == 200


def test_a_models_description_says_what_it_takes(
    crowded: Crowded, neighbour: tuple[Path, int]
) -> None:
    """Beside all that the frontend says, and not in the list that SageMaker asks for."""
    folder = crowded.model(
        "weighty",
        "import numpy as np\ndef model_fn(path): return np.ones(60 << 17)\n"
        "def predict_fn(data, model): return [model.size]\n",
    )
    assert crowded.one.load(folder) == 200

    def known() -> Any:
        """What its process has of its own, which is noted once LOAD has been answered."""
        found = crowded.get("/models/weighty")
        return found if found["memoryBytes"] >= 59 * MEBIBYTE else None

    described = eventually(known)

    assert described["modelName"] == "weighty"
    assert described["modelUrl"] == str(folder)
    assert described["workers"]
    assert described["memoryBytes"] < 120 * MEBIBYTE
    assert described["memoryPeakBytes"] >= described["memoryBytes"]
    assert all(set(one) == {"modelName", "modelUrl"} for one in crowded.get("/models")["models"])
    assert crowded.one.unload(folder) == 200


def test_a_single_model_that_cannot_fit_ends_serve_with_the_reason(tmp_path: Path) -> None:
    """Before it is tried: what it needs, what is free, and what to do."""
    tree = make_tree(tmp_path)
    larger_than_the_group(tree.paths.model)
    with memory_group(LIMIT) as group:
        with group.joined():
            code, output = run_to_its_end(tree)
        kills = group.kills()

    last = output.splitlines()[-1]
    assert code == 4, output
    assert "it needs at least 1" in last
    assert f"of {LIMIT} MB are free" in last
    assert "an instance with more memory" in last
    assert kills == 0


def test_a_model_that_does_not_fit_beside_itself_goes_on(tmp_path: Path) -> None:
    """Loaded anew it would be in memory twice: the log says why it is not."""
    tree = make_tree(tmp_path)
    save_large(tree.paths.model, 300)
    with memory_group(LIMIT) as group, ExitStack() as stack:
        with group.joined():
            server = stack.enter_context(running(tree))
        processes = Processes(tree)
        hosts = processes.hosts()

        processes.supervisor().send_signal(signal.SIGHUP)
        eventually(lambda: "goes on as it was loaded before" in server.log.read_text())

        assert re.search(r"not anew: there is not enough memory.*needs", server.log.read_text())
        assert server.post("1,2\n").status == 200
        assert set(hosts) & set(processes.hosts())
        assert group.kills() == 0


def test_a_worker_out_of_memory_ends_alone(tmp_path: Path) -> None:
    """Of two workers of a single model: its invocation gets 507, and nobody else notices."""
    source = "import os\n" + BY_AND_BY
    source += "def predict_fn(data, model): return [os.getpid()] if len(data) == 1 else grow()\n"
    with memory_group(LIMIT) as group, ExitStack() as stack:
        tree = make_tree(tmp_path)
        save_positional(tree.paths.model)
        (tree.algorithm.folder / "inference.py").write_text(source)
        with group.joined():
            server = stack.enter_context(running(tree, MODEL_SERVER_WORKERS="2"))
        frontend = Processes(tree).frontend()
        for _ in range(2):
            answer = server.post("1,2\n3,4\n")
            assert (answer.status, json.loads(answer.body)["status"]) == (507, 507)
            assert eventually(lambda: server.post("1,2\n").status == 200)

        assert group.kills() == 2
        assert server.client.ping().status == 200
        assert Processes(tree).frontend() == frontend
        log = server.log.read_text()
        assert log.count("the kernel has killed a process of the model for lack of memory") == 2
        assert re.search(r"model 'model' has \d+\.\d MB of memory of its own", log)


def test_a_single_model_that_grows_beyond_the_memory(tmp_path: Path) -> None:
    """It ends before the kernel has to end anything, and `serve` says why."""
    tree = make_tree(tmp_path)
    save_positional(tree.paths.model)
    (tree.algorithm.folder / "inference.py").write_text(BY_AND_BY + "model_fn = grow\n")
    with memory_group(LIMIT) as group:
        with group.joined():
            code, output = run_to_its_end(tree)
        kills = group.kills()

    assert code == 4, output
    assert "there is not enough memory to load the model" in output.splitlines()[-1]
    assert kills == 0
