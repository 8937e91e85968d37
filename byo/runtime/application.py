"""The Runtime's HTTP interface: the operations by their paths, as an ASGI application.

A function rather than a framework's router: there are a handful of paths, and each request passes
here.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable

from byo.runtime.calls import Call, Disconnected, Message, Receive, Send
from byo.runtime.control_plane import control_plane
from byo.runtime.invocations import RuntimeState
from byo.runtime.invoke_async import invoke_endpoint_async
from byo.runtime.invoke_endpoint import invoke_endpoint
from byo.runtime.invoke_stream import invoke_endpoint_with_response_stream
from byo.runtime.own_paths import answer_own_path
from byo.runtime.wire_errors import InternalFailure, RuntimeFault, ValidationError

log = logging.getLogger(__name__)
Operation = Callable[[RuntimeState, Call], Awaitable[None]]
# The last part of `/endpoints/{EndpointName}/…`.
OPERATIONS: dict[str, Operation] = {
    "invocations": invoke_endpoint,
    "async-invocations": invoke_endpoint_async,
    "invocations-response-stream": invoke_endpoint_with_response_stream,
}


class Application:
    """The Runtime as an ASGI application.

    Args:
        state: what it is made of.
    """

    def __init__(self, state: RuntimeState) -> None:
        self._state = state

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, whatever comes of it."""
        started = time.perf_counter()
        parts = scope["path"].split("/")
        name = parts[2] if len(parts) > 2 else ""
        call = Call(name, scope["headers"], receive, send, str(uuid.uuid4()), started)
        try:
            if len(parts) == 4 and parts[1] == "endpoints" and scope["method"] == "POST":
                operation = OPERATIONS.get(parts[3])
                if operation is not None:
                    await operation(self._state, call)
                    return
            await self._other(scope, call)
        except RuntimeFault as fault:
            await call.refuse(fault)
        except (Disconnected, TimeoutError):
            log.info("%s: the client left before its request was whole", scope["path"])
        except Exception:
            log.exception("%s failed (request %s)", scope["path"], call.request_id)
            await call.refuse(InternalFailure("The Runtime failed: its log has the traceback."))

    async def _other(self, scope: Message, call: Call) -> None:
        if scope["path"] == "/" and scope["method"] == "POST":
            await control_plane(self._state, call)
        elif not await answer_own_path(self._state, scope, call):
            raise ValidationError(
                f"{scope['method']} {scope['path']} is no operation of the Runtime."
            )
