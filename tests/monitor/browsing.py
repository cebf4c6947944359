"""What the tests of the page need of a browser."""

from __future__ import annotations

import base64
import io
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
MM_PX = 96 / 25.4
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 740}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's browser, or skip; where peers are required, fail."""
    if not CHROMIUM.exists():
        missing = f"the page's tests need a browser at {CHROMIUM}"
        if os.environ.get("RADARODE_REQUIRE_PEERS") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Viewer:
    """Open pages and note what they ask for and complain about."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self._forgiven: list[str] = []

    def open(self, url: str, size: ViewportSize | None = None, scheme: Literal["dark", "light"] = "dark") -> Page:
        context = self._browser.new_context(viewport=size or DESKTOP, color_scheme=scheme, reduced_motion="reduce")
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(re.sub(r"^(\w+://[^/]+).*", r"\1", request.url)))
        page.on("websocket", lambda socket: self.hosts.add(re.sub(r"^(\w+://[^/]+).*", r"\1", socket.url)))
        page.goto(url)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def forgive(self, text: str) -> None:
        """Let pass complaints with this text, which a test causes on purpose."""
        self._forgiven.append(text)

    def close(self) -> None:
        """Close all pages; nothing but this machine may have been asked, and nothing complained of."""
        for context in self._contexts:
            context.close()
        outside = {host for host in self.hosts if not re.match(r"(http|ws)://127\.0\.0\.1:\d+$", host)}
        assert not outside, outside
        left = [one for one in self.complaints if not any(text in one for text in self._forgiven)]
        assert not left, left


def pixels(page: Page, selector: str) -> NDArray[np.uint8]:
    """Return (row, column, RGBA) of a canvas."""
    address = page.locator(selector).evaluate("canvas => canvas.toDataURL()")
    return np.array(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA"))


def wait_until(met: Callable[[], bool], timeout_s: float = 10.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.05)


def trace(page: Page) -> NDArray[np.uint8]:
    return pixels(page, ".ecg .trace >> visible=true")


def greenish(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the line of the ECG is (the theme is dark)."""
    red, green, blue, alpha = np.moveaxis(image.astype(int), 2, 0)
    return (alpha > 120) & (green > 150) & (green > red + 60) & (green > blue + 30)


def drawn(page: Page) -> bool:
    return bool(greenish(trace(page)).any(axis=0).sum() > 300)


def line_places(image: NDArray[np.uint8], colour: str) -> NDArray[np.int64]:
    """Return the columns that are a line of a colour all the way down."""
    wanted = np.array([int(part) for part in re.findall(r"\d+", colour)[:3]])
    return np.flatnonzero((np.abs(image[:, :, :3].astype(int) - wanted).max(axis=2) < 8).mean(axis=0) > 0.9)


def colour_of(page: Page, name: str) -> str:
    script = (
        "name => { const e = document.createElement('i'); e.style.color = `var(--${name})`; document.body.append(e);"
    )
    return page.evaluate(script + " const c = getComputedStyle(e).color; e.remove(); return c; }", name)
