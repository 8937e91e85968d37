"""What the fork server knows of a model that has a host of its own: states and transitions.

    state       a process  what it means
    NEW         no         nothing has been forked yet
    LOADING     yes        the first load is under way
    SERVING     yes        a host holds the model, or loads it again in place of one that did
    PAUSED      no         its host has ended: another is forked after the backoff
    UNATTENDED  no         … and its launcher, too: another is forked if the frontend wants one
    REFUSING    yes        the load ended without a word: another process answers the frontend
    GIVEN_UP    no         it can't be loaded: the frontend is to end the launcher
    LEAVING     yes        the frontend wants it no more: its process is being ended
    GONE        no         nothing is left

    event             from                          to
    forked            NEW                           LOADING, or SERVING if it had served before
                      PAUSED, UNATTENDED            SERVING
    loaded            LOADING, SERVING              SERVING
    process_ended     LOADING                       GIVEN_UP if it refused, or of an only model;
                                                    else REFUSING
                      SERVING                       PAUSED, or UNATTENDED
                      REFUSING                      GIVEN_UP
                      LEAVING                       GONE
    launcher_ended    LOADING, REFUSING             LEAVING
                      SERVING, LEAVING              the same
                      PAUSED                        UNATTENDED, if one of many
                      NEW                           the same
                      GIVEN_UP                      GONE
    left              NEW, PAUSED, UNATTENDED, GIVEN_UP, GONE    GONE
                      LOADING, SERVING, REFUSING, LEAVING        LEAVING

A launcher that ends while its model loads says that the frontend gave the model up. Once the
model has served, that is not sure: somebody else may have ended the launcher, which the frontend
never notices. A single model is never unattended: the frontend always wants it.
"""

from __future__ import annotations

from enum import Enum

from handler.processes.process_shared_memory import WrongState


class HostState(Enum):
    """See the table above."""

    NEW = "new"
    LOADING = "loading"
    SERVING = "serving"
    PAUSED = "paused"
    UNATTENDED = "unattended"
    REFUSING = "refusing"
    GIVEN_UP = "given up"
    LEAVING = "leaving"
    GONE = "gone"


_WITH_PROCESS = {HostState.LOADING, HostState.SERVING, HostState.REFUSING, HostState.LEAVING}


class HostRecord:
    """One model's state; what can't happen in a state raises WrongState.

    Args:
        has_served: whether a fork server before this one had the model. It may have died before
            it knew whether the first load went well, so the model counts as one that has served.
        is_one_of_many: whether the frontend may unload it.
    """

    def __init__(self, *, has_served: bool, is_one_of_many: bool) -> None:
        self.state = HostState.NEW
        self.has_launcher = True
        self.has_served = has_served
        self.is_one_of_many = is_one_of_many

    @property
    def has_process(self) -> bool:
        """Whether there is a process, be it one that is about to end."""
        return self.state in _WITH_PROCESS

    def forked(self) -> None:
        """A host has been forked."""
        self._require("a host was forked", HostState.NEW, HostState.PAUSED, HostState.UNATTENDED)
        is_first = self.state is HostState.NEW and not self.has_served
        self.state = HostState.LOADING if is_first else HostState.SERVING

    def loaded(self) -> None:
        """The host holds the model."""
        self._require("a model loaded", HostState.LOADING, HostState.SERVING)
        self.has_served = True
        self.state = HostState.SERVING

    def process_ended(self, *, refused: bool) -> None:
        """The process has ended.

        Args:
            refused: whether it had let the frontend know that it can't load the model.
        """
        self._require("a process ended", *_WITH_PROCESS)
        match self.state:
            case HostState.LEAVING:
                self.state = HostState.GONE
            case HostState.SERVING:
                self._lose_host()
            case HostState.LOADING if self.is_one_of_many and not refused:
                self.state = HostState.REFUSING
            case _:
                self.state = HostState.GIVEN_UP

    def launcher_ended(self) -> None:
        """The launcher has ended, or had before this fork server came."""
        if not self.has_launcher:
            raise WrongState("a launcher ended twice")
        self.has_launcher = False
        match self.state:
            case HostState.LOADING | HostState.REFUSING:
                self.state = HostState.LEAVING
            case HostState.PAUSED:
                self._lose_host()
            case HostState.GIVEN_UP:
                self.state = HostState.GONE

    def left(self) -> None:
        """The frontend wants the model no more."""
        self.state = HostState.LEAVING if self.has_process else HostState.GONE

    def _lose_host(self) -> None:
        is_sure = self.has_launcher or not self.is_one_of_many
        self.state = HostState.PAUSED if is_sure else HostState.UNATTENDED

    def _require(self, event: str, *states: HostState) -> None:
        if self.state not in states:
            raise WrongState(f"{event} while the state was {self.state.name}")
