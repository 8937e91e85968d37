"""What is killed when: drawn from the seed alone, so the same seed gives the same."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from enum import Enum

# The pauses between two kills.
LEAST_PAUSE, MOST_PAUSE = 0.8, 3.0
FIRST_SECONDS = 2.0
# How many of the hosts and workers are stopped, not killed.
STOPPED = 0.2
# How long before a round's end the last fork server is killed: all models load again then.
FORK_SERVER_BEFORE_END = 12.0


class Role(Enum):
    """Whose process it is."""

    HOST = "host"
    WORKER = "worker"
    LAUNCHER = "launcher"
    FORK_SERVER = "fork server"


@dataclass(frozen=True)
class Kill:
    """One kill.

    Args:
        at: seconds after the round has begun.
        role: whose process is meant.
        number: the signal.
        place: which of those that have this role at that moment, in the order in which they were
            started: a part of all, at least 0 and below 1.
    """

    at: float
    role: Role
    number: signal.Signals
    place: float


def schedule(seed: int, mode: str, round_number: int, seconds: float) -> list[Kill]:
    """The kills of one round, in their order.

    Args:
        seed: what all is drawn from.
        mode: "single" or "multi".
        round_number: counted from 0. In every second one the fork server is killed, too.
        seconds: how long there is load.
    """
    chance = random.Random(f"{seed} {mode} {round_number}")
    kills = []
    at = FIRST_SECONDS
    while at < seconds:
        role = chance.choice(_ROLES[mode])
        is_stopped = chance.random() < STOPPED and role in (Role.HOST, Role.WORKER)
        number = signal.SIGSTOP if is_stopped else signal.SIGKILL
        kills.append(Kill(at, role, number, chance.random()))
        at += chance.uniform(LEAST_PAUSE, MOST_PAUSE)
    if round_number % 2 == 1:
        at = chance.uniform(FIRST_SECONDS, max(FIRST_SECONDS, seconds - FORK_SERVER_BEFORE_END))
        kills.append(Kill(at, Role.FORK_SERVER, signal.SIGKILL, 0.0))
    return sorted(kills, key=lambda kill: kill.at)


# As often as each stands here. A single model's launcher is never started again.
_ROLES = {
    "multi": [Role.HOST] * 7 + [Role.LAUNCHER],
    "single": [Role.WORKER] * 6 + [Role.HOST],
}
