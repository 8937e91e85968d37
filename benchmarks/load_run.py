"""Load on a server: what to send, how long, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks import load_generator

# Without site-packages, the generator starts in some milliseconds.
COMMAND = (sys.executable, "-S", "-E", load_generator.__file__)
# For all that is not sending: to start, to connect, and to wait for the last answers.
MARGIN_SECONDS = 60.0


class LoadFailed(Exception):
    """The generator could not do what was planned, or got hardly any right answer."""


@dataclass(frozen=True)
class Plan:
    """What to send, and for how long.

    Args:
        port: of the loopback interface.
        path: the requests' target.
        bodies: CSV of one row each, which every client sends in turn.
        answers: the right answer to each, but for white space around it.
        clients: how many send at once.
        seconds: how long answers count.
        warmup: seconds before that, in which they do not.
    """

    port: int
    path: str
    bodies: Sequence[str]
    answers: Sequence[str]
    clients: int
    seconds: float
    warmup: float = 0.3


@dataclass(frozen=True)
class Outcome:
    """What came of a plan.

    Args:
        answered: the right answers in the time that counts.
        seconds: the time that counts.
        latency: seconds from sending to the whole answer, by quantile.
        errors: how many wrong answers or broken connections there were, by kind.
        cpu: CPU seconds of the generator itself per second.
    """

    answered: int
    seconds: float
    latency: dict[str, float]
    errors: dict[str, int]
    cpu: float

    @property
    def throughput(self) -> float:
        """Right answers per second."""
        return self.answered / self.seconds


def run(plan: Plan) -> Outcome:
    """Carry out a plan in a process of its own.

    Raises:
        LoadFailed: it broke off, or at least as much was wrong as right.
    """
    limit = plan.warmup + plan.seconds + MARGIN_SECONDS
    document = json.dumps(asdict(plan)).encode()
    try:
        done = subprocess.run(COMMAND, input=document, capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"the load generator did not end within {limit:g} s") from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LoadFailed(f"the load generator ended with code {done.returncode}: {last}")
    outcome = Outcome(**json.loads(done.stdout))
    if sum(outcome.errors.values()) >= outcome.answered:
        raise LoadFailed(f"{outcome.answered} right answers, and {outcome.errors}")
    return outcome
