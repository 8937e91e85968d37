"""Runs the user's script as ``__main__``, and writes down what ended it.

Executed by its path, in the child process: ``python bootstrap.py train.py --k v`` or
``python bootstrap.py -m train --k v``. To the script everything is as under plain ``python``:
``sys.argv``, ``sys.path[0]``, ``__file__``, and the module that pickles look up. The standard
library alone is imported, as anything more would be visible to the script.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import logging
import os
import re
import runpy
import sys
import threading
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

REPORT_VARIABLE = "BYO_TRAINING_REPORT"
LOG_LEVEL_VARIABLE = "BYO_TRAINING_LOG_LEVEL"
# Deeper chains and larger groups end here: a failure file has room for 1,024 characters.
MOST_LINKS = 4
MOST_FRAMES = 8
MOST_CHARACTERS = 10_000
# How loky and multiprocessing hand on where a worker failed: as the text of a traceback.
REMOTE = "RemoteTraceback"
REMOTE_FRAME = re.compile(r'^\s*File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
RUNNER_FILES = (__file__, runpy.__file__, "<frozen runpy>")


def main() -> None:
    """Run what ``sys.argv[1:]`` names; on an exception, report it and exit with its code."""
    report = Report(os.environ.pop(REPORT_VARIABLE, None))
    report.watch_threads()
    show_log_lines(int(os.environ.pop(LOG_LEVEL_VARIABLE, logging.WARNING)))
    del sys.argv[0]
    try:
        if sys.argv[0] == "-m":
            run_module()
        else:
            run_script()
    except SystemExit as error:
        if error.code:
            report.write(error)
        raise
    except BaseException as error:
        error.__traceback__ = skip_runner(error.__traceback__)
        report.write(error)
        if isinstance(error, KeyboardInterrupt):
            # Whoever stops a job knows why; where it was is in the report.
            print("KeyboardInterrupt", file=sys.stderr)  # noqa: T201
            raise SystemExit(130) from None
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None


def show_log_lines(level: int) -> None:
    """Show what the script's own loggers say from a level on, be logging configured or not.

    No handler is added: a ``logging.basicConfig`` of the script works as under plain ``python``.
    """
    logging.getLogger().setLevel(level)
    if logging.lastResort is not None:
        logging.lastResort.setLevel(level)


def run_script() -> None:
    """Run the file ``sys.argv[0]``; its module stays ``__main__`` for threads and exit hooks."""
    file = Path(sys.argv[0]).absolute()
    sys.path[0] = str(file.resolve().parent)
    module = ModuleType("__main__")
    # Whatever else this version of Python gives its __main__, ours has as well.
    ours = vars(sys.modules["__main__"]).items()
    vars(module).update({name: value for name, value in ours if name.startswith("__")})
    loader = SourceFileLoader("__main__", str(file))
    vars(module).update(__file__=str(file), __loader__=loader, __doc__=None)
    sys.modules["__main__"] = module
    code = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102 - to run the user's script is the purpose


def run_module() -> None:
    """Run the module ``sys.argv[1]``, as ``python -m`` does."""
    del sys.argv[0]
    sys.path[0] = str(Path.cwd())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def skip_runner(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first frame on."""
    while trace is not None and trace.tb_frame.f_code.co_filename in RUNNER_FILES:
        trace = trace.tb_next
    return trace


class Report:
    """Where to write down what ended the script, or one of its threads before that.

    Args:
        path: the file to write; None for nowhere.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._root = Path.cwd()
        self._pid = os.getpid()
        self._thread: dict[str, Any] | None = None

    def watch_threads(self) -> None:
        """Write down what ends a thread: it may be why the script then ends without a word."""
        tell = threading.excepthook

        def note(args: threading.ExceptHookArgs) -> None:
            if args.exc_value is not None and args.exc_type is not SystemExit:
                self.write(args.exc_value, args.thread.name if args.thread else "")
            tell(args)

        threading.excepthook = note

    def write(self, error: BaseException, thread: str | None = None) -> None:
        """Write the report; one that can't be made must not hide the user's own error.

        Args:
            error: what ended the script or the thread.
            thread: the thread's name; None for the script itself.
        """
        # A process that the script forked is not the script.
        if self._path is None or os.getpid() != self._pid:
            return
        with contextlib.suppress(Exception):
            document = describe(error, self._root)
            if thread is not None:
                document = self._thread = {**document, "in_thread": thread}
            elif document["exit_code"] is not None:
                document["thread"] = self._thread
            Path(self._path).write_text(json.dumps(document), encoding="utf-8")


def describe(error: BaseException, root: Path, links: int = MOST_LINKS) -> dict[str, Any]:
    """An exception as JSON: type, message, notes, the user's frames, causes and members.

    Args:
        error: the exception, with its traceback.
        root: the user's folder: frames elsewhere are left out if any lies inside it.
        links: how many more causes or levels of groups to follow.
    """
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    members = error.exceptions[:MOST_LINKS] if isinstance(error, BaseExceptionGroup) else ()
    code = error.code if isinstance(error, SystemExit) else None
    more = links > 0
    return {
        "type": type(error).__name__,
        "message": message_of(error),
        "exit_code": code if isinstance(code, int) else None,
        "in_thread": None,
        "thread": None,
        "notes": [text_of(note) for note in getattr(error, "__notes__", None) or ()],
        "frames": frames_of(error, root),
        "cause": describe(cause, root, links - 1) if cause is not None and more else None,
        "members": [describe(member, root, links - 1) for member in members if more],
    }


def message_of(error: BaseException) -> str:
    """What the exception says, without the place that is told apart."""
    if isinstance(error, SyntaxError):
        return text_of(error.msg)
    if type(error).__name__.endswith(REMOTE):
        return "in a worker process"
    return text_of(error)


def text_of(thing: object) -> str:
    """An object's text, as much of it as anyone would read."""
    try:
        return str(thing)[:MOST_CHARACTERS]
    except Exception:
        return "(its message can't be made: its __str__ failed)"


def frames_of(error: BaseException, root: Path) -> list[dict[str, Any]]:
    """The innermost of the user's own frames, outermost first; of all frames if none is theirs."""
    frames = all_frames(error)
    own = [frame for frame in frames if is_own(Path(frame[0]), root)]
    return [
        {
            "file": short_name(Path(file), root),
            "line": line,
            "function": function,
            "source": (source or "").strip(),
        }
        for file, line, function, source in (own or frames)[-MOST_FRAMES:]
    ]


def all_frames(error: BaseException) -> list[tuple[str, int | None, str, str | None]]:
    """File, line, function and source of each frame that led to the exception."""
    if type(error).__name__.endswith(REMOTE):
        found = REMOTE_FRAME.findall(str(error))
        return [
            (file, int(line), function, linecache.getline(file, int(line)))
            for file, line, function in found
        ]
    summary = traceback.extract_tb(skip_runner(error.__traceback__))
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in summary]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno, "", error.text))
    return frames


def is_own(file: Path, root: Path) -> bool:
    """Whether a file is the user's; an environment inside the user's folder is not."""
    return root in file.parents and "site-packages" not in file.parts


def short_name(file: Path, root: Path) -> str:
    """A file's path inside the user's folder, or where it is not there, its last two parts."""
    return str(file.relative_to(root)) if root in file.parents else "/".join(file.parts[-2:])


if __name__ == "__main__":
    main()
