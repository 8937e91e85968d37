"""The table at the end: what must be zero, and what must not have grown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from byo.table import render
from tests.soak.clients import WATCH
from tests.soak.levels import JAVA_LIVE, MEASURES, growth
from tests.soak.server_run import Found
from tests.soak.tally import Suspect

# How long after the last kill a model may take to answer, beside twice what the start of the server
# took: a fork server imports again, on this machine as it is now, and the frontend, which finds
# nobody meanwhile, tries again after pauses that grow with the time that has passed.
RECOVERY_SECONDS, STARTS = 5.0, 2
# How long before a request a kill may be that makes it wait for a process …
KILL_SECONDS = 20.0
# … and how long it may wait then.
LONGEST_WAIT = 45.0
LOG_BYTES_PER_MINUTE = 2_000_000


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Args:
        name: what was counted or measured.
        value: what came out.
        bar: what it has to be, in words; empty where it is only told.
        passed: whether it is.
    """

    name: str
    value: str
    bar: str = ""
    passed: bool = True


def rows(found: Found) -> list[Row]:
    """The whole table of one run."""
    return [*_told(found), *_requests(found), *_end(found), *_levels(found)]


def table(found: Found) -> str:
    """The table as text."""
    lines = [
        (one.name, one.value, one.bar, ("pass" if one.passed else "FAIL") if one.bar else "")
        for one in rows(found)
    ]
    return render((f"{found.plan.mode}, seed {found.plan.seed}", "value", "bar", ""), lines)


def passed(found: Found) -> bool:
    """Whether every row is as it must be."""
    return all(row.passed for row in rows(found))


def unexplained(found: Found) -> list[Suspect]:
    """Answers with a status that nothing which was done to the server explains."""
    return [
        one
        for one in found.tally.suspects
        if one.what == "unexpected"
        and not found.journal.explains(one.asked.model, one.begun, one.ended)
    ]


def late_by_itself(found: Found) -> list[Suspect]:
    """Answers that came late, and no kill had the request wait for a process."""
    return [
        one
        for one in found.tally.suspects
        if one.what == "late" and not _waited_for_process(found, one)
    ]


def _waited_for_process(found: Found, one: Suspect) -> bool:
    return found.journal.explains(one.asked.model, one.begun - KILL_SECONDS, one.ended)


def _told(found: Found) -> Iterator[Row]:
    tally = found.tally
    yield Row("seconds", f"{tally.clock():.0f}")
    yield Row("until the server was ready", f"{found.start_seconds:.1f} s")
    yield Row("kills", str(found.journal.kills))
    for who, count in sorted(tally.by_client.items()):
        yield Row(f"requests, {who}", str(count), "")
    for status, count in sorted(tally.statuses.items()):
        yield Row(f"answers with {status}", str(count))


def _requests(found: Found) -> Iterator[Row]:
    tally = found.tally
    yield _zero("lost", [one for one in tally.suspects if one.what == "lost"])
    yield _zero("hung", [one for one in tally.suspects if one.what == "hung"])
    late = late_by_itself(found)
    yield _zero("late, and nothing was killed", [one for one in late if one.asked.who != WATCH])
    yield _zero("late behind other models", [one for one in late if one.asked.who == WATCH])
    waits = [
        one.ended - one.begun
        for one in tally.suspects
        if one.what == "late" and _waited_for_process(found, one)
    ]
    yield Row(
        "longest wait for a process that was killed", f"{max(waits, default=0):.1f} s",
        f"at most {LONGEST_WAIT:.0f} s", max(waits, default=0) <= LONGEST_WAIT,
    )  # fmt: skip
    yield _zero("wrong answers", [one for one in tally.suspects if one.what == "wrong"])
    yield _zero("failures that no kill explains", unexplained(found))
    slowest = max(found.recoveries.values(), default=0.0)
    yield _zero("stuck", found.stuck)
    most = RECOVERY_SECONDS + STARTS * found.start_seconds
    yield Row(
        "slowest to answer after the last kill", f"{slowest:.1f} s", f"at most {most:.1f} s",
        slowest <= most,
    )  # fmt: skip


def _end(found: Found) -> Iterator[Row]:
    yield Row("rounds without rest at their end", str(found.unsettled), "0", not found.unsettled)
    ended = "by itself" if found.ended_early else f"exit code {found.exit_code}"
    yield Row("end of the server", ended, "exit code 0", found.exit_code == 0)
    yield _zero("processes after the end", found.leaked)
    yield _zero("files after the end", found.left_files)


def _levels(found: Found) -> Iterator[Row]:
    for measure in MEASURES:
        values = [one[measure] for one in found.levels if measure in one]
        if not values:
            why = "no jcmd" if measure is JAVA_LIVE else "not measured"
            yield Row(measure.name, why)
            continue
        grown = growth(values)
        unit = f" {measure.unit}" if measure.unit else ""
        yield Row(
            measure.name,
            f"{values[0]:.0f} → {values[-1]:.0f}{unit}, grown by {grown:.1f}",
            f"at most {measure.most:g}{unit}",
            grown <= measure.most,
        )
    minutes = found.tally.clock() / 60
    rate = found.log_bytes[-1] / minutes if found.log_bytes else 0
    yield Row(
        "log", f"{rate / 1000:.0f} kB a minute", f"at most {LOG_BYTES_PER_MINUTE // 1000} kB",
        rate <= LOG_BYTES_PER_MINUTE,
    )  # fmt: skip


def _zero(name: str, what: list[Suspect] | list[str]) -> Row:
    return Row(name, str(len(what)), "0", not what)
