"""The page in a real browser, fed by `radarode monitor` with the weights that come with the package."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from radarode.core.notice import NOTICE
from radarode.data.native import save_recording
from radarode.simulate import Conditions, person_of, simulate_recording
from tests.monitor.browsing import Viewer, drawn, trace, wait_until

SLOW_FROM_S, FAST_BPM, SLOW_BPM = 24, 72, 34
LATE_MS = 90_000
"""Longest wait for anything; the machine may be busy."""


@contextmanager
def monitor(port: int, *arguments: str) -> Iterator[str]:
    """Run `radarode monitor` and yield its address; end it as a person would, with Ctrl-C."""
    command = [sys.executable, "-m", "radarode", "monitor", *arguments, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:"), line or process.communicate(timeout=20)[1]
        yield line.split()[0]
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def sweeps(page: Page) -> bool:
    """Return whether the strip moves on by what 1 s is; not where an alarm has just changed its height."""
    before = trace(page)
    page.wait_for_timeout(1000)
    after = trace(page)
    return before.shape == after.shape and bool(60 < (after != before).any(axis=(0, 2)).sum() < 400)


@pytest.fixture
def patient() -> Iterator[None]:
    expect.set_options(timeout=LATE_MS)
    yield
    expect.set_options(timeout=5000)


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_a_simulated_person_from_radar_to_page(viewer: Viewer, tmp_path: Path) -> None:
    short = simulate_recording(person_of(20_001, 1), 14.0, "NB", np.random.default_rng(3), Conditions(n_channels=4))
    save_recording(tmp_path / "short.h5", short)
    port = free_port()
    simulation = ("simulate:20001", "--channels", "8", "--heart-bpm", f"0:{FAST_BPM},{SLOW_FROM_S}:{SLOW_BPM}")
    with monitor(port, *simulation, str(tmp_path / "short.h5")) as url:
        page = viewer.open(url)
        page.set_default_timeout(LATE_MS)
        first, second = page.locator(".card").nth(0), page.locator(".card").nth(1)
        expect(first.locator(".simulated")).to_be_visible()
        expect(page.locator("#notice-text")).to_have_text(NOTICE)
        page.keyboard.press("1")
        wait_until(lambda: drawn(page), LATE_MS / 1000)
        wait_until(lambda: sweeps(page), LATE_MS / 1000)
        expect(first.locator(".bpm")).to_have_text(re.compile(rf"^({'|'.join(map(str, range(70, 75)))})$"))
        assert abs(float(first.locator(".bpm").inner_text()) - FAST_BPM) <= 2
        delay_s = float(first.locator("[data-field=delay]").inner_text().split()[0])
        assert 2 < delay_s < 6
        alarm = page.locator("#alarm-list [data-name='low rate']")
        expect(alarm).to_contain_text(re.compile(r"Heart rate 3\d bpm, below 40"))
        expect(alarm).to_have_attribute("data-level", "medium")
        page.keyboard.press("2")
        expect(second.locator(".veil strong")).to_have_text("NO SIGNAL")
        expect(second.locator(".bpm")).to_have_text("--")
        expect(page.locator("#alarm-list [data-name='no signal']")).to_be_visible()
        page.keyboard.press("m")
        page.keyboard.type("the radar ended")
        page.keyboard.press("Enter")
        expect(second.locator(".events li")).to_contain_text("the radar ended")
        page.keyboard.press("1")
        page.keyboard.press("e")
        for kind, name in (("csv", r".*"), ("edf", r".*\.(edf|zip)"), ("wfdb", r".*\.zip")):
            with page.expect_download() as download:
                page.locator(f"#export-{kind}").click()
            assert re.fullmatch(name, download.value.suggested_filename)
            assert Path(download.value.path()).stat().st_size > 1000
        page.keyboard.press("Escape")
    expect(page.locator("#lost-bar")).to_contain_text("Connection lost")
    until_s = time.monotonic() + LATE_MS / 1000
    with monitor(port, *simulation, str(tmp_path / "short.h5")):
        expect(page.locator("#lost-bar")).to_be_hidden()
        expect(page.locator(".card:visible .bpm")).to_have_text(re.compile(r"^7\d$"))
        wait_until(lambda: sweeps(page), LATE_MS / 1000)
    assert time.monotonic() < until_s
    viewer.forgive("ERR_CONNECTION")
