"""Whatever process is killed: who answers then, and that nothing is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from byo.command_errors import EndpointFailed, RequestFailed
from handler.fork_server.registration_check import CHECK_SECONDS
from handler.serve.exit_codes import EXIT_CODES
from handler.serve.model_load_watch import ModelUnavailable
from tests.serving.backend.conftest import Observed, assert_nothing_is_left, observed
from tests.serving.backend.processes import Processes, await_end, eventually, kill
from tests.serving.conftest import make_tree, run_to_its_end, save_positional

pytestmark = pytest.mark.slow

Victim = Callable[[Observed, Path], psutil.Process]


@pytest.fixture
def model(many: Observed, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A model that is loaded."""
    folder = many.model(request.node.name)
    assert many.load(folder) == 200
    yield folder
    many.unload(folder)
    assert_gone(many, folder)


def assert_gone(many: Observed, folder: Path) -> None:
    """No process of a model is left, and none that it had started."""

    def left() -> list[psutil.Process]:
        return [one for one in many.processes.all() if _is_in(one, folder)]

    try:
        eventually(lambda: not left())
    except AssertionError:
        log = many.log.splitlines()[-40:]
        raise AssertionError("\n".join([f"left: {left()}", *log])) from None
    eventually(lambda: not many.processes.zombies())


def _is_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd() == str(folder)
    except psutil.Error:
        return False


def started_by(host: psutil.Process) -> list[psutil.Process]:
    """What user code started in a host: none of its own forks."""
    return [one for one in host.children(recursive=True) if one.name() == "sleep"]


def host(many: Observed, folder: Path) -> psutil.Process:
    return many.processes.host_of(folder)


def worker(many: Observed, folder: Path) -> psutil.Process:
    return many.processes.workers_of(folder)[0]


def fork_server(many: Observed, folder: Path) -> psutil.Process:
    return many.processes.fork_server()


@pytest.mark.parametrize("victim", [host, worker, fork_server])
def test_a_model_outlives_its_processes(many: Observed, model: Path, victim: Victim) -> None:
    """Another process answers."""
    kill(victim(many, model))

    many.answering(model)
    eventually(lambda: not many.processes.zombies())


def test_failing_loads_in_a_row_are_all_answered(many: Observed) -> None:
    """None of them keeps another of the frontend's threads from its work.

    It answers 409 for a moment after a LOAD has failed, as it forgets the model only then.
    """
    folder = many.model("failing", "raises_in_model_fn.py")

    statuses = Counter(many.load(folder) for _ in range(200))

    assert statuses.keys() <= {500, 409}
    assert statuses[500] > 150
    assert_gone(many, folder)
    eventually(lambda: not many.processes.launchers())


def test_a_host_takes_what_it_started_along(many: Observed, model: Path) -> None:
    """SIGKILL gives it no chance to do that itself."""
    old = host(many, model)
    helpers = started_by(old)

    kill(old)

    assert helpers
    await_end(helpers)


def test_all_models_outlive_the_fork_server(many: Observed) -> None:
    """The launchers of all tell the next one, and that one's successor."""
    models = [many.model(f"one-of-ten-{number}") for number in range(10)]
    assert [many.load(one) for one in models] == [200] * 10
    for _ in range(2):
        hosts = many.processes.hosts()
        below = [one for each in hosts for one in each.children(recursive=True)]
        assert below

        kill(many.processes.fork_server())

        await_end([*hosts, *below])
        for one in models:
            many.answering(one)
    assert [many.unload(one) for one in models] == [200] * 10
    for one in models:
        assert_gone(many, one)


def test_a_model_outlives_its_launcher(many: Observed, model: Path) -> None:
    """The frontend does not notice; its host goes on, is replaced, and goes when it is to go."""
    kill(many.processes.launcher_of(model))
    assert many.answering(model)

    kill(host(many, model))
    assert many.answering(model)

    assert many.unload(model) == 200
    assert_gone(many, model)
    assert many.load(model) == 200


def test_what_user_code_prints_outlives_the_launcher(many: Observed) -> None:
    """It shows in the log, however much it is, and no invocation fails by it."""
    folder = many.model("printing", "prints.py")
    assert many.load(folder) == 200
    assert many.invoke(folder, "before,1")[0] == 200
    kill(many.processes.launcher_of(folder))

    for word, count in (("first", 1), ("many", 5000), ("last", 1)):
        assert many.invoke(folder, f"{word},{count}")[0] == 200
    kill(host(many, folder))
    eventually(lambda: many.invoke(folder, "reborn,1")[0] == 200)

    for word in ("first", "many", "last", "reborn"):
        for line in ("printed", "to stderr", "by a process", "0 ---"):
            eventually(lambda line=f"{word} {line}": line in many.log)  # type: ignore[misc]
    assert "many 4999 ---" in many.log
    assert many.unload(folder) == 200
    assert_gone(many, folder)


def test_unload_during_a_prediction(many: Observed, model: Path) -> None:
    """It is waited for, and nothing is left then."""
    gate = model / "gate"
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(many.invoke, model, f"wait for {gate}", seconds=30)
        eventually(gate.with_suffix(".begun").exists)
        unload = pool.submit(many.unload, model)
        eventually(lambda: many.invoke(model)[0] == 404)

        gate.touch()

        assert asked.result()[0] == 200
        assert unload.result() == 200
    assert_gone(many, model)
    assert many.load(model) == 200


def test_a_prediction_outlives_the_launcher(many: Observed, model: Path) -> None:
    """The frontend does not notice that somebody has ended the launcher: it waits."""
    gate = model / "gate"
    launcher = many.processes.launcher_of(model)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(many.invoke, model, f"wait for {gate}", seconds=30)
        eventually(gate.with_suffix(".begun").exists)

        kill(launcher)

        with pytest.raises(TimeoutError):  # by then, the frontend has been asked about the model
            asked.result(timeout=CHECK_SECONDS)
        assert many.invoke(model)[0] == 200
        gate.touch()
        assert asked.result()[0] == 200


def test_unload_during_a_load(many: Observed) -> None:
    """The model is gone for both; it can be loaded again."""
    folder = many.model("unloaded-early", "loads_when_told.py")
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(many.load, folder)
        eventually((folder / "begun").exists)

        assert many.unload(folder) == 200

        assert_gone(many, folder)
        assert loading.result() >= 400
    (folder / "go").touch()
    assert many.load(folder) == 200
    assert many.unload(folder) == 200


def test_a_launcher_that_is_ended_before_the_host_is_forked(many: Observed) -> None:
    """LOAD is answered soon, and keeps nobody waiting until then; the model can be loaded again."""
    folder = many.model("ended-early")
    kill(many.processes.fork_server(), eventually(many.processes.standby))
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(many.load, folder)
        kill(eventually(lambda: many.processes.launcher_of(folder)))

        assert loading.result(timeout=30) == 500  # by itself, the frontend waits for a minute

    eventually(lambda: many.load(folder) == 200)
    assert many.unload(folder) == 200


def test_the_launcher_of_a_single_model_that_is_ended_at_the_start(tmp_path: Path) -> None:
    """Nobody would ever load the model: the server ends at once, and says so."""
    tree = make_tree(tmp_path)
    save_positional(tree.inference("tells_its_process.py").paths.model)
    (tmp_path / "imports_slowly.py").write_text("import time\ntime.sleep(3)\n")
    settings = {"PYTHONPATH": str(tmp_path), "BYO_PRELOAD": "imports_slowly"}
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(run_to_its_end, tree, **settings)
        kill(eventually(Processes(tree).launchers)[0])
        code, said = serving.result()

    assert code == EXIT_CODES[ModelUnavailable]
    assert "the frontend did not take the model" in said.splitlines()[-1]


def test_load_twice_at_once(many: Observed) -> None:
    """One of them is told that the model is loaded already; there is one host."""
    folder = many.model("loaded-twice", "loads_when_told.py")
    with ThreadPoolExecutor(2) as pool:
        loading = [pool.submit(many.load, folder) for _ in range(2)]
        eventually((folder / "begun").exists)
        eventually(lambda: any(one.done() for one in loading))
        (folder / "go").touch()
        statuses = sorted(one.result() for one in loading)

    assert statuses == [200, 409]
    assert len([one for one in many.processes.hosts() if _is_in(one, folder)]) == 1
    assert many.unload(folder) == 200
    assert_gone(many, folder)


@pytest.mark.parametrize("victim", ["frontend", "supervisor"])
@pytest.mark.parametrize("multi_model", [True, False])
def test_nothing_outlives_the_server(tmp_path: Path, victim: str, multi_model: bool) -> None:
    """Killed as a whole or losing its frontend, it leaves neither a process nor a file."""
    with observed(tmp_path, multi_model=multi_model, MODEL_SERVER_WORKERS="2") as one:
        folder = one.model("model") if multi_model else None
        if folder:
            assert one.load(folder) == 200
        assert one.answering(folder)
        everything = one.processes.all()

        getattr(one.processes, victim)().kill()

        assert_nothing_is_left(one.processes, everything, one.temp)
        with pytest.raises((EndpointFailed, RequestFailed)):
            one.invoke(folder)


@pytest.mark.parametrize("with_another", [None, "guard", "fork_server"])
def test_a_killed_guard_leaves_nothing_behind(tmp_path: Path, with_another: str | None) -> None:
    """Neither what user code has started, nor the frontend: whatever is killed beside it."""
    with observed(tmp_path, multi_model=True) as one:
        folder = one.model("model")
        assert one.load(folder) == 200
        assert one.answering(folder)
        guard, supervisor = one.processes.guard(), one.processes.supervisor()
        everything = [process for process in one.processes.all() if process != guard]
        assert [process for process in everything if process.name() == "sleep"]

        kill(guard)
        if with_another == "guard":
            kill(eventually(one.processes.guard))
        if with_another == "fork_server":
            kill(one.processes.fork_server())
            eventually(one.processes.guard)
            one.answering(folder)
        everything += one.processes.all()
        supervisor.kill()

        assert_nothing_is_left(one.processes, everything, one.temp)


def test_what_cleans_up_is_replaced(tmp_path: Path) -> None:
    """Killed together with the supervisor, its work is the fork server's."""
    with observed(tmp_path, multi_model=True) as one:
        folder = one.model("model")
        assert one.load(folder) == 200
        assert one.answering(folder)
        first = one.processes.guard()
        kill(first)
        second = eventually(one.processes.guard)
        assert second != first
        everything = one.processes.all()

        one.processes.supervisor().suspend()
        second.kill()
        one.processes.supervisor().kill()

        assert_nothing_is_left(one.processes, everything, one.temp)


def test_a_single_model_outlives_its_processes(single: Observed) -> None:
    """Each in its turn, and then all below the fork server at once."""
    folder = single.tree.paths.model
    for find in (single.processes.workers_of, lambda _: single.processes.hosts()):
        for _ in range(3):
            kill(*find(folder))
            single.answering()
    kill(single.processes.fork_server())
    single.answering()
    kill(single.processes.launcher_of(folder))
    assert single.answering()
    eventually(lambda: not single.processes.zombies())
