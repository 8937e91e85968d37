"""What launchers hand over: through the real shell and the real pipes, in whatever pieces."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.processes import launcher_pipes
from handler.processes.launch_request import LaunchReader, LaunchRequest
from handler.serve.frontend_command import LAUNCHER

SECONDS = 30

words = st.text(st.characters(blacklist_characters="\0", codec="utf-8"), max_size=8)
launches = st.builds(
    LaunchRequest,
    st.integers(1, 2**22),
    words,
    words.map(Path),
    st.sampled_from(["unix", "tcp"]),
    words,
)


def arguments_of(launch: LaunchRequest) -> list[str]:
    """The command line that the frontend gives a worker."""
    socket = (
        {"--sock-name": launch.address} if launch.kind == "unix" else {"--port": launch.address}
    )
    given = {
        "--sock-type": launch.kind,
        **socket,
        "--handler": "handler.service:handle",
        "--model-path": str(launch.model_dir),
        "--model-name": launch.model,
        "--preload-model": "false",
        "--tmp-dir": "/tmp",
    }
    return [word for pair in given.items() for word in pair]


def written(pid: int, arguments: list[str]) -> bytes:
    """What a launcher writes."""
    return b"".join(f"{word}\0".encode() for word in (len(arguments), pid, *arguments))


@settings(deadline=None)
@given(st.lists(launches, max_size=4), st.data())
def test_launches_come_out_however_they_are_cut(
    given_: list[LaunchRequest], data: st.DataObject
) -> None:
    """A pipe gives several at once, or one in pieces."""
    stream = b"".join(written(one.pid, arguments_of(one)) for one in given_)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = LaunchReader()

    read = [
        launch
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for launch in reader.feed(stream[start:end])
    ]

    assert read == given_


@pytest.mark.parametrize(
    "junk", [b"\0", b"junk\0", b"-1\0", b"\xff\0", written(7, ["--sock-type", "unix"])]
)
def test_what_is_no_launch_is_passed_over(junk: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """The next one is read all the same."""
    launch = LaunchRequest(5, "m", Path("/m"), "unix", "/s")

    assert list(LaunchReader().feed(junk + written(5, arguments_of(launch)))) == [launch]


@contextmanager
def launcher(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The shell at work in the place of multi-model-server's worker."""
    process = subprocess.Popen(
        ["/bin/sh", LAUNCHER, *arguments],
        env={**os.environ, launcher_pipes.DIR_VARIABLE: str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heard(pipe: int, reader: LaunchReader) -> LaunchRequest:
    """The next launch that comes through the pipe."""
    while select.select([pipe], [], [], SECONDS)[0]:
        for launch in reader.feed(os.read(pipe, 7)):
            return launch
    raise AssertionError(f"no launch came within {SECONDS} s")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pipes are."""
    launcher_pipes.make(tmp_path)
    return tmp_path


@pytest.fixture
def launchers_wait(folder: Path) -> Iterator[launcher_pipes.LauncherWait]:
    """What the supervisor holds."""
    held = launcher_pipes.LauncherWait(folder)
    yield held
    held.close()


@pytest.fixture
def pipe(folder: Path, launchers_wait: launcher_pipes.LauncherWait) -> Iterator[int]:
    """The fork server's end of the pipe that launchers write to."""
    launches = launcher_pipes.open_launch(folder)
    yield launches
    os.close(launches)


@pytest.mark.parametrize(
    "model", ["model", "two words", "a 'quoted\" one", "line\nbreak", "größe", "", "$HOME `id` *"]
)
def test_a_launcher_hands_its_arguments_over(folder: Path, pipe: int, model: str) -> None:
    """As they are, whatever is in them, with its process id, and then it waits."""
    given_ = LaunchRequest(0, model, Path("/models") / model, "unix", f"/tmp/{model}.sock")
    with launcher(folder, *arguments_of(given_)) as process:
        read = heard(pipe, LaunchReader())

        assert (read.pid, process.poll()) == (process.pid, None)
        assert (read.model, read.model_dir, read.address) == (
            model,
            given_.model_dir,
            given_.address,
        )


def test_a_host_prints_where_its_launcher_would(folder: Path, pipe: int) -> None:
    """The frontend reads the launcher's output, and finds there that the worker has started."""
    given_ = LaunchRequest(0, "m", Path("/m"), "unix", "/s")
    with launcher(folder, *arguments_of(given_)) as process:
        heard(pipe, LaunchReader()).tell_started(4711)

        assert process.stdout is not None
        assert process.stdout.readline() == b"[PID] 4711\n"
        assert process.stdout.readline() == b"MMS worker started.\n"


def test_a_launcher_tells_the_next_fork_server(
    folder: Path, pipe: int, launchers_wait: launcher_pipes.LauncherWait
) -> None:
    """And that it is not the first that it tells."""
    given_ = LaunchRequest(0, "m", Path("/m"), "unix", "/s")
    reader = LaunchReader()
    with launcher(folder, *arguments_of(given_)) as process:
        told = [heard(pipe, reader)]
        for _ in range(3):
            launchers_wait.let_go()
            told.append(heard(pipe, reader))

        assert [one.pid for one in told] == [process.pid] * 4
        assert [one.again for one in told] == [False, True, True, True]


def test_the_frontends_other_script_does_nothing(tmp_path: Path) -> None:
    """The same shell is to run a collector of metrics: it ends at once, and well."""
    script = tmp_path / "metric_collector.py"
    script.write_bytes(LAUNCHER.read_bytes())

    done = subprocess.run(["/bin/sh", script], timeout=SECONDS, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_launch_without_its_address_is_named(kind: str) -> None:
    """What the frontend did not give."""
    with pytest.raises(ValueError, match="--sock-name" if kind == "unix" else "--port"):
        LaunchRequest.of(1, ["--sock-type", kind, "--model-name", "m", "--model-path", "/m"])
