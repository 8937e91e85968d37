"""The connections to a container, against servers that keep, cut and stretch them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest

from byo.command_errors import UsageError
from byo.served_container import Connections, ContainerUnreachable

Serve = Callable[[asyncio.StreamWriter, int], Awaitable[bool]]


@asynccontextmanager
async def serving(answers: dict[bytes, Serve]) -> AsyncIterator[Connections]:
    """A server that answers by path; it passes the number of the request on its connection."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in count(1):
                path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
                if not await answers[path](writer, number):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    connections = Connections(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield connections
    finally:
        await connections.close()
        server.close()


def says(text: bytes, keeps: bool = True) -> Serve:
    async def answer(writer: asyncio.StreamWriter, number: int) -> bool:
        writer.write(text.replace(b"NUMBER", b"%d" % number))
        return keeps

    return answer


async def waits(writer: asyncio.StreamWriter, number: int) -> bool:
    await asyncio.sleep(3600)
    return False


async def sends_much(writer: asyncio.StreamWriter, number: int) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(5):
        writer.write(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    return True


KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Name: a\r\n\r\nNUMBER"
ANSWERS = {
    b"/kept": says(KEPT),
    b"/closes": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nNUMBER"),
    b"/100": says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 2\r\n\r\nok"),
    b"/until-closed": says(b"HTTP/1.1 200 OK\r\n\r\nall of it", keeps=False),
    b"/cut": says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", keeps=False),
    b"/no-http": says(b"SSH-2.0\r\n\r\n"),
    b"/too-much": says(KEPT + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
    b"/waits": waits,
    b"/much": sends_much,
}


async def bodies(connections: Connections, *paths: str) -> list[bytes]:
    return [(await connections.request("GET", path, timeout=5)).body for path in paths]


def test_a_connection_is_kept_and_left_where_it_ends() -> None:
    async def scenario() -> list[bytes]:
        async with serving(ANSWERS) as connections:
            return await bodies(
                connections, "/kept", "/kept", "/100", "/kept", "/closes", "/kept",
                "/until-closed", "/kept",
            )  # fmt: skip

    assert asyncio.run(scenario()) == [b"1", b"2", b"ok", b"4", b"5", b"1", b"all of it", b"1"]


def test_an_answer_has_its_status_and_headers() -> None:
    async def scenario() -> None:
        async with serving(ANSWERS) as connections:
            answer = await connections.request("POST", "/kept", timeout=5)
            assert (answer.status, answer.header(b"x-name")) == (200, b"a")
            assert answer.header(b"other") is None

    asyncio.run(scenario())


def test_requests_at_once_have_a_connection_each_up_to_the_most() -> None:
    async def scenario() -> list[bytes]:
        async with serving(ANSWERS) as one:
            narrow = Connections(one.url, most=1)
            found = await asyncio.gather(*(bodies(narrow, "/kept") for _ in range(3)))
            await narrow.close()
            return [body for each in found for body in each]

    assert asyncio.run(scenario()) == [b"1", b"2", b"3"]


@pytest.mark.parametrize(("path", "what"), [("/cut", "broke off"), ("/no-http", "is no HTTP/1.1")])
def test_an_answer_that_is_not_whole(path: str, what: str) -> None:
    async def scenario() -> None:
        async with serving(ANSWERS) as connections:
            with pytest.raises(ContainerUnreachable, match=what) as caught:
                await bodies(connections, path)
            assert caught.value.sent
            assert await bodies(connections, "/kept") == [b"1"]

    asyncio.run(scenario())


def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_request() -> None:
    async def scenario() -> list[bytes]:
        async with serving(ANSWERS) as connections:
            return await bodies(connections, "/too-much", "/kept")

    assert asyncio.run(scenario()) == [b"1", b"1"]


def test_a_timeout_counts_for_the_whole_answer() -> None:
    async def scenario() -> None:
        async with serving(ANSWERS) as connections:
            with pytest.raises(TimeoutError):
                await connections.request("GET", "/waits", timeout=0.05)
            assert connections.busy == 0

    asyncio.run(scenario())


def test_a_container_that_is_not_there_was_sent_nothing() -> None:
    async def scenario() -> None:
        with pytest.raises(ContainerUnreachable, match="Connection refused") as caught:
            await bodies(Connections("http://127.0.0.1:1"), "/kept")
        assert not caught.value.sent

    asyncio.run(scenario())


def test_a_stream_is_read_as_it_comes_and_its_connection_kept() -> None:
    async def scenario() -> tuple[int, list[bytes]]:
        async with serving(ANSWERS) as connections:
            async with connections.stream("GET", "/much", timeout=20) as answer:
                size = sum([len(chunk) async for chunk in answer.chunks])
            return size, await bodies(connections, "/kept")

    assert asyncio.run(scenario()) == (5 * 0x100000, [b"2"])


def test_a_stream_that_breaks_off_gives_what_came_first() -> None:
    got = []

    async def read(connections: Connections) -> None:
        async with connections.stream("GET", "/cut", timeout=5) as answer:
            async for chunk in answer.chunks:
                got.append(chunk)

    async def scenario() -> None:
        async with serving(ANSWERS) as connections:
            with pytest.raises(ContainerUnreachable):
                await read(connections)

    asyncio.run(scenario())
    assert got == [b"abc"]


def test_a_header_can_not_hold_another() -> None:
    async def scenario() -> None:
        connections = Connections("http://127.0.0.1:1")
        for path, value in (("/a\r\nx: y", b""), ("/", b"a\r\nx: y"), ("/", b"a\nx: y")):
            with pytest.raises(ValueError, match="one line"):
                await connections.request("GET", path, [(b"accept", value)], timeout=1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://a", "http://", "http://a:b", "http://a?b"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match=r"is not an? "):
        Connections(url)
