"""The benchmark works: every server answers rightly, and a report is made. No figure is judged."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import load_generator, load_run, plots
from benchmarks.figures import Figure
from benchmarks.load_run import LoadFailed, Plan
from benchmarks.measures.generator_ceiling import RESPONDER
from benchmarks.models import Model
from benchmarks.report import Results, markdown
from benchmarks.serving import renewed, write
from benchmarks.session import Session
from benchmarks.stacks.all_stacks import STACKS
from benchmarks.stacks.programs.responder import ANSWER
from benchmarks.stacks.server import running
from benchmarks.targets import TARGETS
from byo.child_processes import child
from contract import Paths

ROOT = Path(__file__).parent.parent
BENCH = ROOT / ".setup" / "bench" / "bin" / "python"
FILES = {
    "latency.png", "models.png", "printed.log", "serving.json", "serving.md", "throughput.png"
}  # fmt: skip
RIGHT = Model("nothing", Paths(Path("/nowhere")), ("1,2", "3,4"), (ANSWER, ANSWER))
ENDS = replace(RESPONDER, name="ends", command=lambda _: [sys.executable, "-c", "print('no')"])


def plan(port: int, *answers: str) -> Plan:
    return Plan(port, "/invocations", RIGHT.bodies, answers, clients=3, seconds=0.2, warmup=0.1)


def session(tmp_path: Path, said: list[str]) -> Session:
    stacks = {"responder": RESPONDER, "ends": ENDS}
    return Session(tmp_path, stacks, 2, 0.1, True, said.append)


def test_load_counts_right_answers() -> None:
    """Every client's every answer counts, with a latency."""
    with running(RESPONDER, RIGHT) as server:
        outcome = load_run.run(plan(server.port, ANSWER, ANSWER))

    assert outcome.errors == {}
    assert outcome.answered > 3
    assert 0 < outcome.latency["p50"] <= outcome.latency["p99"]


def test_wrong_answers_are_no_throughput() -> None:
    """A server that is fast and wrong has no figures."""
    with (
        running(RESPONDER, RIGHT) as server,
        pytest.raises(LoadFailed, match=r"0 right answers, and .*answer"),
    ):
        load_run.run(plan(server.port, "other", "other"))


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-le", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n0", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n0\n", (True, b"0\n", False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length:0\r\nConnection: close\r\n\r\n", (True, b"", True)),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nx", (False, b"x", False)),
    ],
)
def test_answers_are_read_when_whole(data: bytes, whole: object) -> None:
    """An answer in pieces is waited for; its status, body and end of connection are seen."""
    answer = load_generator.parse(data)

    assert answer == whole


def test_a_stack_that_fails_leaves_the_others_be(tmp_path: Path) -> None:
    """Who does not start is named, and the rounds go on without."""
    said: list[str] = []
    here = session(tmp_path, said)

    with here.servers(["ends", "responder"], RIGHT) as servers:
        turns = here.take_turns({name: lambda: 1.0 for name in servers})

    assert turns == {"responder": [1.0, 1.0]}
    assert said == [f"failed: {failure}" for failure in here.failures]
    assert [failure.endswith("it said: no") for failure in here.failures] == [True]


def test_ratios_are_of_the_same_round() -> None:
    """What fell on a whole round cancels out."""
    figure = Figure("x", "x", "s", {"ours": [1.0, 10.0, 3.0], "stock": [2.0, 20.0, 3.0]})

    ratio = figure.ratio("ours", "stock")

    assert ratio == (0.5, 0.5, 1.0)


def test_report_sets_each_target_beside_what_was_reached(tmp_path: Path) -> None:
    """A target that was measured has a line that says whether it is met, and a picture is drawn."""
    values = {"ours": [90.0, 100.0], "stock": [10.0, 10.0], "classic": [50.0, 50.0]}
    figure = Figure("iris.throughput.64", "iris: answers", "1/s", values)
    results = Results({"CPU": "one"}, {"rounds": 2}, [figure], {"fastapi": "not here"}, ["it fell"])

    report = markdown(results)

    assert "| ≥ 8 × MMS + toolkit | 9.5 [9–10] | yes |" in report
    assert "| ≥ 12 × nginx + gunicorn + flask | 1.9 [1.8–2] | **no** |" in report
    assert "- FastAPI: not here" in report
    assert "- it fell" in report
    assert json.loads(json.dumps(results.to_json()))["targets"][0]["reached"]["median"] == 9.5
    assert [file.name for file in plots.draw(results.by_name(), tmp_path)] == ["throughput.png"]


def test_targets_name_stacks() -> None:
    """A target can't ask for what no run measures."""
    names = {target.stack for target in TARGETS} | {target.against for target in TARGETS}

    assert names - {None} <= set(STACKS)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not BENCH.exists(), reason="make bench has not made its environment")
def test_every_stack_answers_and_the_report_is_made(tmp_path: Path) -> None:
    """A tiny round of one model and of many, from the command to the files."""
    command = [BENCH, "-m", "benchmarks.serving", "--quick", "--rounds", "1", "--seconds", "0.2",
               "--measures", "iris,load", "--output", tmp_path]  # fmt: skip
    log = tmp_path / "printed.log"

    with log.open("wb") as output, child(command, os.environ, stdout=output) as process:
        code = process.wait(500)

    assert code == 0, log.read_text(encoding="utf-8")
    assert {file.name for file in tmp_path.iterdir()} == FILES
    results = json.loads((tmp_path / "serving.json").read_text(encoding="utf-8"))
    measured = {name for figure in results["figures"] for name in figure["values"]}
    # Two stacks are others of them with one variable set; a machine may have no nginx.
    assert measured == set(STACKS) - {"fastapi-omp1", "no-metrics"} - set(results["absent"])
    assert set(results["absent"]) <= {"classic"}


def test_what_is_measured_again_takes_its_place(tmp_path: Path) -> None:
    """The other figures stay, and the report names what is of a later run."""
    first = Results(
        {"cores": "2"},
        {"rounds": 1},
        [Figure("a", "A", "s", {"ours": [1.0]}), Figure("b", "B", "s", {"ours": [2.0]})],
        {},
        ["stock: broke off"],
    )
    write(first, tmp_path)
    again = Results({"cores": "9"}, {}, [Figure("b", "B", "s", {"ours": [3.0]})], {}, [])

    found = renewed(tmp_path, again, ["memory"])

    assert {name: figure.values["ours"] for name, figure in found.by_name().items()} == {
        "a": [1.0], "b": [3.0],
    }  # fmt: skip
    assert found.machine == {"cores": "2"}
    assert found.options == {"rounds": 1, "measured again": "memory"}
    assert found.failures == ["stock: broke off"]
    write(found, tmp_path)
    later = renewed(tmp_path, again, ["first", "memory"])
    assert later.options["measured again"] == "memory, first"
