"""A recording as a file, and the proxy that writes one."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from byo.command_errors import UsageError
from byo.container_rules.exchange import Answer, Exchange, Request
from byo.recorded import Invocation, RecordedAnswer, Recording, read_recording
from byo.recorded.recording_proxy import recording_proxy
from handler.serve.pick_free_port import free_port
from tests.container_rules.stub_container import Asked, Misbehaviour, Reply, Stub, running

CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}


def invocation(body: bytes) -> Invocation:
    answer = RecordedAnswer(200, {"content-type": "x"}, body[::-1], 0.5)
    return Invocation(1, 1.5, "POST", "/invocations", {"accept": "x"}, body, answer)


@pytest.mark.parametrize("body", [b"", b"1,2\n", "ä€😀".encode(), bytes(range(256)), b"\r\n\0"])
def test_what_is_written_is_read(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "invocations.jsonl"
    with Recording(file, "http://x") as recording:
        recording.add(invocation(body))

    assert list(read_recording(file)) == [invocation(body)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "invocations.jsonl"
    file.write_text("mine")

    with pytest.raises(UsageError, match="is there already"):
        Recording(file, "http://x")

    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n", "line 1 is no invocation"),
        ('{"recording": 2}\n', "version 2 is not read here"),
        ('{"recording": 1}\n{"at": 0}\n', "line 2 is no invocation"),
        ('{"recording": 1}\n{"request": []', "line 2 is no invocation"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "invocations.jsonl"
    file.write_text(content)

    with pytest.raises(UsageError, match=message):
        list(read_recording(file))


def recorded(
    file: Path, url: str, ask: Callable[[str], list[Answer]], timeout: float = 20.0
) -> list[Answer]:
    """The answers to what is asked of a proxy that records a server."""

    async def main() -> list[Answer]:
        with Recording(file, url) as recording:
            async with recording_proxy(recording, "127.0.0.1", 0, timeout) as proxy:
                return await asyncio.to_thread(ask, proxy)

    return asyncio.run(main())


def asking(*requests: Request) -> Callable[[str], list[Answer]]:
    def ask(url: str) -> list[Answer]:
        with Exchange(url, 20.0) as exchange:
            return [exchange.ask(each) for each in requests]

    return ask


def test_invocations_are_recorded_and_pass_through(tmp_path: Path) -> None:
    """Bodies byte for byte, chunked ones too; pings and what manages models pass unrecorded."""
    file = tmp_path / "invocations.jsonl"
    requests = [
        Request("GET", "/ping"),
        Request("POST", "/invocations", CSV, b"2,0\n0,0\n"),
        Request("POST", "/invocations", CSV, b"2,0\n", chunked=True),
        Request("POST", "/invocations", {"Content-Type": "image/png"}, b"\x89\xff"),
        Request("POST", "/invocations", {"Content-Type": "image/png"}, b"\xff" * 2_000_000),
        Request("POST", "/models/a%2Fb/invoke?x=1", CSV, b"2,0\n"),
    ]
    with running(Stub()) as stub:
        answers = recorded(file, stub.url, asking(*requests))

    assert [each.status for each in answers] == [200, 200, 200, 415, 415, 404]
    assert answers[1].body == b"1\n0\n"
    assert stub.seen[3].body == b"\x89\xff"
    found = list(read_recording(file))
    assert [each.body for each in found] == [each.body for each in requests[1:]]
    assert [each.answer.body for each in found] == [each.body for each in answers[1:]]
    assert found[4].path == "/models/a%2Fb/invoke?x=1"
    assert stub.seen[5].path == "/models/a%2Fb/invoke"
    assert [each.number for each in found] == [1, 2, 3, 4, 5]
    assert all(each.answer.seconds > 0 for each in found)


def test_secrets_pass_through_and_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "invocations.jsonl"
    secret = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIA",
        "Cookie": "session=hush",
        "X-Amz-Security-Token": "hush",
    }
    named = {"X-Amzn-SageMaker-Inference-Id": "one"}
    with running(Stub()) as stub:
        recorded(
            file,
            stub.url,
            asking(Request("POST", "/invocations", CSV | secret | named, b"2,0\n")),
        )

    assert stub.seen[0].headers["authorization"] == secret["Authorization"]
    written = file.read_text()
    assert "hush" not in written
    assert "AKIA" not in written
    headers = json.loads(written.splitlines()[1])["request"]["headers"]
    assert headers == {
        "content-type": "text/csv", "accept": "text/csv", "x-amzn-sagemaker-inference-id": "one"
    }  # fmt: skip


def test_the_proxy_adds_no_header_that_decides(tmp_path: Path) -> None:
    with running(Stub()) as stub:
        recorded(tmp_path / "f", stub.url, asking(Request("POST", "/invocations", {}, b"2,0\n")))

    assert "content-type" not in stub.seen[0].headers
    assert "accept" not in stub.seen[0].headers


def test_a_server_that_is_not_there_is_told_and_not_recorded(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    (answer,) = recorded(
        tmp_path / "f", url, asking(Request("POST", "/invocations", CSV, b"2,0\n"))
    )

    assert answer.status == 502
    assert "can't be reached" in answer.body.decode()
    assert list(read_recording(tmp_path / "f")) == []


def test_a_server_that_takes_too_long_is_told(tmp_path: Path) -> None:
    def waits(stub: Stub, _: Asked) -> Reply:
        stub.await_seen(lambda each: each.is_ping)
        return Reply(200)

    slow: Misbehaviour = waits
    with running(Stub(slow)) as stub:
        (answer,) = recorded(
            tmp_path / "f",
            stub.url,
            asking(Request("POST", "/invocations", CSV, b"2,0\n")),
            timeout=0.3,
        )
        with Exchange(stub.url, 20.0) as exchange:
            exchange.ask(Request("GET", "/ping"))

    assert answer.status == 504


def test_an_answer_in_parts_passes_through_in_parts(tmp_path: Path) -> None:
    """The client has the first part before the server sends the second."""
    file = tmp_path / "f"
    part = "4\r\n{}\r\n"

    async def main() -> bytes:
        received = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(part.format("one ").encode())
            await asyncio.wait_for(received.wait(), 20.0)
            writer.write(part.format("two\n").encode() + b"0\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with Recording(file, f"http://127.0.0.1:{port}") as recording:
            async with recording_proxy(recording, "127.0.0.1", 0, 20.0) as proxy:
                host, _, own = proxy.removeprefix("http://").partition(":")
                reader, writer = await asyncio.open_connection(host, int(own))
                writer.write(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                await asyncio.wait_for(reader.readuntil(b"one "), 20.0)
                received.set()
                rest = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 20.0)
                writer.close()
                await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return rest

    assert b"two\n" in asyncio.run(main())
    (invocation,) = read_recording(file)
    assert invocation.answer.body == b"one two\n"
