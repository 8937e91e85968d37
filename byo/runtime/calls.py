"""A call of an operation as it arrives, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from byo.runtime.wire_errors import BodyTooLarge, RuntimeFault
from byo.served_container import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# For the body of a request, from when its headers are there.
BODY_SECONDS = 60.0


class Disconnected(Exception):
    """The client has gone before its request was whole."""


@dataclass(slots=True)
class Call:
    """One request.

    Args:
        endpoint_name: from its path.
        headers: all of them, names in lower case.
        receive: gives its body.
        send: takes the answer.
        request_id: what the answer calls it by.
        started: when it arrived, in seconds of ``time.perf_counter``.
    """

    endpoint_name: str
    headers: Headers
    receive: Receive
    send: Send
    request_id: str
    started: float

    async def body(self, most: int) -> bytes:
        """The whole body.

        Args:
            most: the bytes that it may have.

        Raises:
            BodyTooLarge: it has more.
            Disconnected: it broke off.
        """
        for name, value in self.headers:
            if name == b"content-length" and int(value) > most:
                raise BodyTooLarge(most)
        message = await self.receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            whole: bytes = message.get("body", b"")
            if len(whole) > most:
                raise BodyTooLarge(most)
            return whole
        async with asyncio.timeout(BODY_SECONDS):
            return await self._rest(message, most)

    async def _rest(self, message: Message, most: int) -> bytes:
        parts, size = [], 0
        while True:
            if message["type"] != "http.request":
                raise Disconnected
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise BodyTooLarge(most)
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)
            message = await self.receive()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self.start_answer(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.send({"type": "http.response.body", "body": body})

    async def start_answer(self, status: int, headers: Headers) -> None:
        """Send the beginning of an answer, without its body."""
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, (b"x-amzn-requestid", self.request_id.encode())],
            }
        )

    async def refuse(self, fault: RuntimeFault) -> None:
        """Send an error."""
        await self.answer(fault.status, fault.headers(), fault.body())
