"""Where the frontend's reads end within an answer: never where its decoder can't take it."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from handler.protocol.wire_format import invoke_reply
from tests.serving.conftest import Tree, running

# Netty's AdaptiveRecvByteBufAllocator 4.1: the sizes that it goes through, four at a time.
SIZES = [*range(16, 512, 16), *(512 << power for power in range(8))]
LEAST, MOST = SIZES.index(64), SIZES.index(65536)
IDENTITY = "27e10097-5367-45ff-ad77-8f2a7b0b2d76"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
# SageMaker allows so many characters.
LONGEST = 1024
# Bodies of so many characters bring the frontend to begin its reads with as many different sizes.
BODIES = [0, 10, 26, 60, 108, 172, 236, 300, 364, 412, 940, 1964]


def reads(length: int, first: int) -> list[int]:
    """The ends of the reads that take a message, the first of them of a size of the table."""
    ends, index = [0], first
    while ends[-1] < length:
        ends.append(ends[-1] + SIZES[index])
        index = min(index + 4, MOST)
    return ends


@pytest.mark.parametrize("length", [1, 12, 60, 200, LONGEST, 5000, 12000])
@pytest.mark.parametrize("body", [b"", b"x" * 50_000])
def test_no_read_ends_within_a_status_or_the_headers(length: int, body: bytes) -> None:
    """Whatever size the first read has."""
    headers = {ATTRIBUTES: "v" * length}
    message = b"".join(invoke_reply(IDENTITY, body, "text/csv", 200, "OK", headers))
    begin = message.index(b"text/csv") + len(b"text/csv")
    end = message.index(b"v" * length) + length

    broken = [
        SIZES[first]
        for first in range(LEAST, MOST + 1)
        if any(begin < at < end for at in reads(len(message), first))
    ]

    assert broken == []


@pytest.mark.slow
def test_a_long_header_after_many_short_answers(positional: Tree) -> None:
    """After short answers the frontend reads little at once; a header arrives all the same."""
    positional.inference("sets_a_header.py")
    seen = set()

    with running(positional, MODEL_SERVER_WORKERS="1") as server:
        address = urlsplit(server.client.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)

        def ask(header: int, body: int) -> tuple[int, int]:
            connection.request(
                "POST", "/invocations", f"{header},{body}", {"Content-Type": "text/csv"}
            )
            with connection.getresponse() as response:
                response.read()
                return response.status, len(response.headers.get(ATTRIBUTES, ""))

        for body in BODIES:
            for header in (40, LONGEST):
                assert {ask(0, body) for _ in range(80)} == {(200, 0)}
                seen.add((header, *ask(header, body)))
        connection.close()

    assert seen == {(header, 200, header) for header in (40, LONGEST)}
