"""A loop that signals wake, and what is left of that when it ends by an error."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from handler.processes.signal_socket import wake_on


@pytest.fixture(autouse=True)
def _handler():
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_gives_its_number():
    """One byte for each."""
    with wake_on(signal.SIGUSR1) as wakeup:
        os.kill(os.getpid(), signal.SIGUSR1)

        assert wakeup.recv(64) == bytes([signal.SIGUSR1])


def test_a_loop_that_fails_leaves_no_socket_behind(capfd):
    """A signal after that says nothing: what the error says stays the last line."""

    def fail(wakeup: socket.socket) -> None:
        raise RuntimeError("why it ended")

    with pytest.raises(RuntimeError), wake_on(signal.SIGUSR1) as wakeup:
        fail(wakeup)

    os.kill(os.getpid(), signal.SIGUSR1)

    assert capfd.readouterr() == ("", "")
