"""What one host of a cluster does, from joining to the outcome, which is the same on every host.

Everything here runs in the toolkit's own process and on its main thread, as the script's
supervisor does. To import this module imports the toolkit.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sagemaker_training import process

from contract.paths import Paths
from training_entry.before_script.stop_requests import Stopped
from training_entry.cluster.cluster_host import Host, read_host, worker_of
from training_entry.cluster.dask_children import MOST_DEATHS, Kept, worker_environ
from training_entry.cluster.dask_client import SCHEDULER_VARIABLE
from training_entry.cluster.job_outcome import explain, failure_of, stopped
from training_entry.cluster.leader import ClusterFailed, Leader
from training_entry.cluster.member import LeaderGone, Member
from training_entry.hyperparameters.redaction import Secrets
from training_entry.script.failure_report import clip
from training_entry.script.runner import ScriptFailed, ScriptRunner
from training_entry.script.script_supervisor import Ending

# Wraps the runner of the user's script, which lies in the folder.
Around = Callable[[ScriptRunner, Path], process.ProcessRunner]

logger = logging.getLogger(__name__)


def run(
    env: Any, paths: Paths, environ: Mapping[str, str], start: Callable[[Around], None]
) -> None:
    """Take part in the job as its leader or as one of the others.

    Args:
        env: the toolkit's environment of the job.
        paths: the job's tree.
        environ: the process's environment.
        start: fetches and installs the user's code, then runs the runner that it gets for its
            script's own. It does so on every host, as tasks need the code; the script itself
            runs on the leader only.

    Raises:
        ScriptFailed: the job failed; the reason and the exit code are the leader's.
        SettingsError: a setting can't be used, or this host's name does not resolve.
        Exception: what `start` raised on this host.
    """
    with tempfile.TemporaryDirectory(prefix="byo-cluster-") as scratch:
        host = read_host(env, paths, environ, Path(scratch))
        logger.info("%s of %d hosts; the leader is %s", host.name, len(host.hosts), host.leader)
        take_part = _lead if host.name == host.leader else _follow
        try:
            take_part(host, paths, start)
        except Stopped as error:  # before there was anyone to tell, or after
            raise stopped(error.number) from None


def _lead(host: Host, paths: Paths, start: Callable[[Around], None]) -> None:
    others = [name for name in host.hosts if name != host.name]
    listen = (host.address, host.settings.port)
    with ExitStack() as stack, Leader(others, listen, host.secret, _interrupt) as leader:
        try:
            start(lambda script, folder: _LeadersRunner(host, leader, stack, script, folder))
        except (Exception, Stopped) as error:
            failure = _leaders_failure(error, leader)
            outcome = {"reason": _told(failure, paths), "exit_code": failure.exit_code}
            on_their_way = not isinstance(error, Stopped | ClusterFailed)
            leader.end(outcome, absent_too=on_their_way)
            raise failure from None
        leader.end({"exit_code": 0})


def _told(failure: ScriptFailed, paths: Paths) -> str:
    """What other hosts are told: the script's own failure file, where it wrote one."""
    written = paths.failure.read_text("utf-8", "replace") if paths.failure.is_file() else ""
    return Secrets.in_file(paths.hyperparameters).hide(clip(written or str(failure)))


def _leaders_failure(error: BaseException, leader: Leader) -> ScriptFailed:
    if leader.fatal is not None:
        return ScriptFailed(leader.fatal, 1)
    if isinstance(error, Stopped):
        return stopped(error.number)
    failure = failure_of(error)
    return ScriptFailed(explain(str(failure), leader.incidents), failure.exit_code)


def _follow(host: Host, paths: Paths, start: Callable[[Around], None]) -> None:
    settings = host.settings
    to = (host.leader, settings.port)
    with Member(host.name, host.address, to, host.secret, settings.join_timeout) as member:
        try:
            start(lambda _, folder: _MembersRunner(host, member, folder))
        except ScriptFailed:
            raise  # the leader's own outcome
        except Stopped as error:
            failure = stopped(error.number)
            member.tell(died=f"{host.name} was {failure}")
            raise failure from None
        except Exception as error:
            member.tell(failed=_told(failure_of(error), paths))
            _wait_for_goodbye(member, settings.join_timeout)
            raise


def _wait_for_goodbye(member: Member, timeout: float) -> None:
    """Stay until the leader, which may not be there yet, has heard why this host fails."""
    try:
        member.wait_for("outcome", timeout=timeout)
        member.see_off()
    except LeaderGone as error:
        logger.info("%s", error)


class _LeadersRunner(process.ProcessRunner):  # type: ignore[misc]
    """Runs the scheduler and a worker, and once all hosts are ready the user's script.

    Args:
        host: this host.
        leader: the control channel.
        stack: takes the processes, which outlive the script until all hosts know its outcome.
        script: the runner of the user's script.
        folder: the script's folder.
    """

    def __init__(
        self, host: Host, leader: Leader, stack: ExitStack, script: ScriptRunner, folder: Path
    ) -> None:
        super().__init__("", [], {}, processes_per_host=1)
        self._host = host
        self._leader = leader
        self._stack = stack
        self._script = script
        self._folder = folder
        self._worker_ready = threading.Event()

    def run(self, wait: bool = True, capture_error: bool = False) -> Ending:
        """Run the script to its end; the arguments are the toolkit's and have no effect.

        Raises:
            ScriptFailed: it failed.
            ClusterFailed: a host did not join in time, or can't take part.
        """
        dashboard = "dashboard" if self._host.settings.dashboard else "none"
        scheduler = Kept(
            ["scheduler", self._host.address, dashboard],
            cwd=self._folder,
            environ=worker_environ(os.environ | self._host.dask, self._folder),
            on_ready=self._offer_scheduler,
            on_death=self._lose_scheduler,
            most_deaths=1,
        )
        self._stack.enter_context(scheduler)
        self._leader.wait_until_ready(self._worker_ready, self._host.settings.join_timeout)
        logger.info("All %d hosts are ready", len(self._host.hosts))
        try:
            ending: Ending = self._script.run()
        finally:
            # The workers now end in any order, which it would report as losses.
            scheduler.silence()
        return ending

    def _offer_scheduler(self, address: str) -> None:
        os.environ.update(self._host.dask, **{SCHEDULER_VARIABLE: address})
        worker = worker_of(
            self._host, address, self._folder, self._worker_is_ready, self._lose_worker
        )
        self._stack.enter_context(worker)
        self._leader.say(scheduler=address)

    def _worker_is_ready(self, _: str) -> None:
        self._worker_ready.set()
        self._leader.notify()

    def _lose_worker(self, how: str, death: int) -> None:
        self._leader.note(f"the worker process of {self._host.name} {how}")
        if death == MOST_DEATHS:
            self._leader.fail(_too_often(self._host.name, how))

    def _lose_scheduler(self, how: str, _: int) -> None:
        self._leader.fail(f"Dask's scheduler on the leader {self._host.name} {how}")


class _MembersRunner(process.ProcessRunner):  # type: ignore[misc]
    """Runs a worker until the leader tells the outcome."""

    def __init__(self, host: Host, member: Member, folder: Path) -> None:
        super().__init__("", [], {}, processes_per_host=1)
        self._host = host
        self._member = member
        self._folder = folder

    def run(self, wait: bool = True, capture_error: bool = False) -> Ending:
        """Serve the leader to the end; the arguments are the toolkit's and have no effect.

        Raises:
            ScriptFailed: the job failed, or the leader is gone.
        """
        try:
            outcome = self._serve()
        except LeaderGone as error:
            raise ScriptFailed(str(error), 1) from None
        self._member.see_off()
        if outcome["exit_code"]:
            raise ScriptFailed(outcome["reason"], outcome["exit_code"])
        return Ending(0)

    def _serve(self) -> dict[str, Any]:
        heard = self._member.wait_for("scheduler", "outcome")
        if "outcome" not in heard:
            address = heard["scheduler"]
            with worker_of(self._host, address, self._folder, self._be_ready, self._lose_worker):
                heard = self._member.wait_for("outcome")
        outcome: dict[str, Any] = heard["outcome"]
        return outcome

    def _be_ready(self, _: str) -> None:
        self._member.tell(ready=True)

    def _lose_worker(self, how: str, death: int) -> None:
        logger.warning("The worker process %s", how)
        self._member.tell(died=f"the worker process of {self._host.name} {how}")
        if death == MOST_DEATHS:
            self._member.tell(failed=_too_often(self._host.name, how))


def _too_often(name: str, how: str) -> str:
    return f"the worker process of {name} died {MOST_DEATHS} times; the last time it {how}"


def _interrupt() -> None:
    """Have the script's supervisor stop it; what it raises gives way to the true reason."""
    os.kill(os.getpid(), signal.SIGTERM)
