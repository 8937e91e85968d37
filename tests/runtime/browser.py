"""A headless Chromium, told what to do by its own DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from byo.child_processes import child

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--force-device-scale-factor=1", "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip


class Page:
    """One page of the browser.

    Args:
        socket: to it.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.errors: list[str] = []

    async def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; its result. What the page complains of meanwhile is kept."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                message = json.loads((await self._socket.receive()).data)
                if message.get("id") == number:
                    assert "error" not in message, message
                    result: dict[str, Any] = message["result"]
                    return result
                self._note(message)

    async def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; of a promise, once it is kept."""
        answer = await self.tell(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait for an expression to be true, as JavaScript has it.

        Raises:
            TimeoutError: it was not in time.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            while not await self.evaluate(f"Boolean({expression})"):
                await asyncio.sleep(0.05)

    async def press(self, key: str, text: str = "") -> None:
        """Press and let go of one key."""
        for kind in ("keyDown", "keyUp"):
            given = {"text": text} if text and kind == "keyDown" else {}
            code = {"Tab": 9, "Enter": 13}.get(key, 0)
            await self.tell(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **given
            )

    async def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Show it in a window of this size."""
        await self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.tell("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, file: Path) -> None:
        """Write what it looks like, from top to bottom."""
        shot = await self.tell("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(message["params"]["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded":
            entry = message["params"]["entry"]
            if entry["level"] == "error":
                self.errors.append(f"{entry['text']} {entry.get('url', '')}")


@asynccontextmanager
async def page_of(url: str, profile: Path) -> AsyncIterator[Page]:
    """A page that shows a URL; the browser ends with the block.

    Args:
        url: what to show.
        profile: an empty folder for what the browser keeps.
    """
    assert PROGRAM is not None
    command = (PROGRAM, *OPTIONS, f"--user-data-dir={profile}", "about:blank")
    environ = {**os.environ, "HOME": str(profile)}
    with (
        (profile / "browser.log").open("wb") as log,
        child(command, environ, stdout=log) as process,
    ):
        port = await _port(profile / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                target = next(each for each in await answer.json() if each["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await page.tell(f"{domain}.enable")
                await page.tell("Page.navigate", url=url)
                yield page


async def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    async with asyncio.timeout(START_SECONDS):
        while process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return int(file.read_text(encoding="ascii").splitlines()[0])
            await asyncio.sleep(0.05)
    raise AssertionError(f"the browser ended: {(file.parent / 'browser.log').read_text()}")
