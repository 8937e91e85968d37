"""Run what blocks in a thread that nobody waits for when the program ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_daemon_thread(
    what: Callable[..., Result],
    *given: object,
    unwanted: Callable[[Result], object] | None = None,
) -> Result:
    """The result of a function that blocks.

    The interpreter waits at its end for the threads of `asyncio.to_thread`, and so for a server
    that does not answer; not for this one.

    Args:
        what: the function.
        given: its arguments.
        unwanted: called with a result that comes after the caller was cancelled.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def dismiss(result: Any, error: BaseException | None) -> None:
        if error is None and unwanted is not None:
            unwanted(result)

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():  # the caller was cancelled
            dismiss(result, error)
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        outcome = _outcome(what, given)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:  # the loop was closed meanwhile
            dismiss(*outcome)

    threading.Thread(target=run, name="models", daemon=True).start()
    return await future


def _outcome(
    what: Callable[..., Any], given: tuple[object, ...]
) -> tuple[Any, BaseException | None]:
    try:
        return what(*given), None
    except BaseException as error:
        return None, error
