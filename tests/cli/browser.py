"""A headless Chromium, driven by the DevTools protocol over two pipes (`--remote-debugging-pipe`): no port, no library.

Where there is none the test is skipped with the reason; with REQUIRE_BROWSER=1 it fails. Debian: apt-get install chromium
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PIPES = 'exec "$@" 3<&"$READS" 4>&"$WRITES"'
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
_UNTIL = """
new Promise((resolve) => {
  const look = () => {
    if (%s) resolve("");
    else if (performance.now() > ends) resolve(`${location.hash}: ${document.body.innerText}`);
    else setTimeout(look, 50);
  };
  const ends = performance.now() + %d;
  look();
})
"""
_LIMIT = 120_000
"""Milliseconds, far beyond what a busy machine needs."""
_CODES = {"Enter": 13, "Escape": 27}
"""Of keys that write nothing, on Windows, by which Chromium knows them."""


def program() -> str:
    """The path of Chromium; without it the test is skipped."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        reason = f"There is no Chromium on the PATH ({', '.join(NAMES)}). Debian: apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1: {reason}", pytrace=False)
        pytest.skip(reason)
    return found


class Page:
    """A page of the browser. Its methods fail the test with what the browser said."""

    def __init__(self, process: subprocess.Popen[bytes], reads: int, writes: int) -> None:
        self._process, self._reads, self._writes = process, reads, writes
        self._ids, self._buffer = itertools.count(1), b""
        self._loading = self._loaded = ""
        self.complaints: list[str] = []
        """Errors of scripts and what the Content-Security-Policy has blocked."""
        target = self._call("Target.createTarget", {"url": "about:blank"}, of_page=False)["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True}, of_page=False)
        self._session = attached["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go there, and wait until the document is loaded; another fragment of the same one loads nothing."""
        loader = self._call("Page.navigate", {"url": url}).get("loaderId")
        while loader and self._loaded != loader:
            self._note(self._next())

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is, a promise when it is kept."""
        said = self._call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds."""
        instead = self.value(_UNTIL % (condition, _LIMIT))
        assert instead == "", f"never: {condition}; {instead}"

    def until_text(self, selector: str, *words: str) -> str:
        """Wait until an element has all these words; its text."""
        text = f"(document.querySelector({json.dumps(selector)})?.innerText ?? '')"
        self.until(" && ".join(f"{text}.includes({json.dumps(word)})" for word in words))
        return str(self.value(text))

    def press(self, key: str) -> None:
        """Press and release a key, where the focus is."""
        letter = {"text": "\r" if key == "Enter" else key} if key != "Escape" else {}
        code = _CODES.get(key, ord(key[0].upper()))
        for kind in ("keyDown" if letter else "rawKeyDown", "keyUp"):
            more = letter if kind == "keyDown" else {}
            self._call("Input.dispatchKeyEvent", {"type": kind, "key": key, "windowsVirtualKeyCode": code, **more})

    def emulate(self, *, dark: bool, width: int = 1280, height: int = 800) -> None:
        """The viewer's preferred colors and the size of the window."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size)

    def screenshot(self, path: Path) -> None:
        """Save what is to be seen as PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", {"format": "png"})["data"]))

    def _call(self, method: str, parameters: dict[str, Any] | None = None, *, of_page: bool = True) -> dict[str, Any]:
        sent = next(self._ids)
        message = {"id": sent, "method": method, "params": parameters or {}}
        if of_page:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while (said := self._next()).get("id") != sent:
            self._note(said)
        assert "error" not in said, (method, said["error"])
        return dict(said["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            read = os.read(self._reads, 1 << 20)
            assert read, f"Chromium has ended: {self._process.wait()}"
            self._buffer += read
        first, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(first))

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Page.frameNavigated":
                self._loading = event["params"]["frame"]["loaderId"]
            case "Page.loadEventFired":
                self._loaded = self._loading
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(event["params"]["exceptionDetails"]))
            case "Log.entryAdded" if event["params"]["entry"]["level"] == "error":
                self.complaints.append(event["params"]["entry"]["text"])


@contextmanager
def opened(profile: Path) -> Iterator[Page]:
    """A browser with one page, and a profile of its own."""
    command = [program(), *_FLAGS, f"--user-data-dir={profile}"]
    to_browser, from_browser = os.pipe(), os.pipe()
    pipes = (to_browser[0], from_browser[1])
    process = subprocess.Popen(
        ["bash", "-c", _PIPES, "chromium", *command],
        env={**os.environ, "READS": str(pipes[0]), "WRITES": str(pipes[1]), "HOME": str(profile)},
        pass_fds=pipes,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for pipe in pipes:
        os.close(pipe)
    try:
        yield Page(process, from_browser[0], to_browser[1])
    finally:
        process.terminate()
        process.wait()
        os.close(to_browser[1])
        os.close(from_browser[0])
