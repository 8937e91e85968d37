"""Where `serve` is started as root, as SageMaker starts it, it goes on as a user who may do little.

All that it starts does so as well: the frontend, and the processes that run users' code. Whether
that user can read what is needed is tried first, by a process that becomes it.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import pwd
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.errors import SettingsError, one_line
from contract.readable import below, first_unreadable
from contract.settings import DROPPED_ROOT_VARIABLE, RUN_AS_ROOT_VARIABLE, ServingSettings
from handler.serve.java_runtime import find_java, model_server_home

logger = logging.getLogger(__name__)

NAME, NUMBER = "nobody", 65534
LOWEST_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_SET_NO_NEW_PRIVILEGES = 38
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class User:
    """Whom to go on as."""

    name: str
    number: int
    group: int

    def become(self) -> None:
        """Be this user for good, in this process and all that it starts.

        Raises:
            OSError: this process may not.
        """
        os.setgroups([])
        os.setresgid(self.group, self.group, self.group)
        os.setresuid(self.number, self.number, self.number)
        if _LIBC.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def drop_root(
    settings: ServingSettings, scratch: Path, environ: Mapping[str, str]
) -> Mapping[str, str]:
    """Go on as a user without privileges; the environment for that.

    Args:
        settings: the serving settings.
        scratch: the folder that serving writes to, which becomes that user's.
        environ: the environment so far.

    Raises:
        SettingsError: root is not to be kept, and can't be dropped.
    """
    if os.geteuid() != 0 or settings.run_as_root == "true":
        return environ
    user = _user()
    hindrance = _hindrance(user, settings, environ) or _why_not_given(scratch, user)
    if hindrance and settings.run_as_root == "false":
        raise SettingsError(
            f"{RUN_AS_ROOT_VARIABLE}=false, and {user.name} can't serve in the place of root: "
            f"{hindrance}"
        )
    if hindrance:
        logger.warning(
            "everything runs as root, users' code too: %s can't serve in its place, as %s "
            "(%s=true keeps root without this line)",
            user.name,
            hindrance,
            RUN_AS_ROOT_VARIABLE,
        )
        return environ
    user.become()
    logger.info(
        "started as root, goes on as %s (%d): %s=true keeps root",
        user.name,
        user.number,
        RUN_AS_ROOT_VARIABLE,
    )
    theirs = {"USER": user.name, "LOGNAME": user.name, "HOME": str(scratch)}
    theirs[DROPPED_ROOT_VARIABLE] = user.name
    os.environ.update(theirs)
    return {**environ, **theirs}


def _user() -> User:
    try:
        found = pwd.getpwnam(NAME)
    except KeyError:
        return User(NAME, NUMBER, NUMBER)
    return User(NAME, found.pw_uid, found.pw_gid)


def _why_not_given(scratch: Path, user: User) -> str:
    """Make the scratch folder a user's; why that can't be, as a clause, or nothing."""
    try:
        os.chown(scratch, user.number, user.group)
        for folder, folders, files in os.walk(scratch):
            for name in (*folders, *files):
                os.chown(Path(folder, name), user.number, user.group, follow_symlinks=False)
    except OSError as error:
        return f"{scratch} can't be given to it ({error.strerror})"
    return ""


def _hindrance(user: User, settings: ServingSettings, environ: Mapping[str, str]) -> str:
    """Why this user can't serve, as a clause; empty where it can."""
    try:
        lowest = int(LOWEST_PORT.read_text(encoding="ascii"))
    except (OSError, ValueError):
        lowest = 1024
    if settings.port < lowest:
        return f"port {settings.port} is root's"
    places = [str(place) for place in _needed(settings, environ)]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, _tried(user, places).encode(errors="replace"))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as told:  # noqa: PTH123
        answer = told.read().decode(errors="replace")
    os.waitpid(child, 0)
    found = json.loads(answer) if answer else "this could not be tried"
    return one_line(found, 300)


def _tried(user: User, places: Iterable[str]) -> str:
    """Called in a process of its own: what hinders this user, as JSON."""
    try:
        user.become()
    except OSError as error:
        return json.dumps(f"this container may not change its user ({error.strerror})")
    unread = first_unreadable(map(Path, places))
    return json.dumps(f"it can't read {unread}" if unread else "")


def _needed(settings: ServingSettings, environ: Mapping[str, str]) -> Iterator[Path]:
    """What serving reads, as far as it is known by now and there."""
    code = [settings.algorithm_dir, *([settings.submit_dir] if settings.submit_dir else [])]
    key = [settings.model_key] if settings.model_key else []
    own = [Path(__file__), Path(sysconfig.get_path("stdlib")), *map(Path, sys.path)]
    programs = [Path(sys.executable), find_java(environ), model_server_home()]
    for place in (*own, *programs, *code, *key):
        if os.path.lexists(place):
            yield place
    yield from below(settings.paths.models if settings.multi_model else settings.paths.model)
