"""The browser that the tests of the page share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.monitor.browsing import Viewer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for one file of tests; while it runs, `asyncio.run` cannot be used beside it."""
    pytest.importorskip("playwright")
    from tests.monitor.browsing import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def viewer(browser: Browser) -> Iterator[Viewer]:
    from tests.monitor.browsing import Viewer

    viewer = Viewer(browser)
    yield viewer
    viewer.close()
