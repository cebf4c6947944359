"""The page in a real browser: what it looks like: the strips, their paper, phones and themes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.monitor.browsing import (
    MM_PX,
    PHONE,
    Viewer,
    colour_of,
    drawn,
    greenish,
    line_places,
    pixels,
    trace,
    wait_until,
)
from tests.monitor.fake_server import FakeServer
from tests.monitor.fake_stream import FakeStream


def test_the_wave_sweeps_over_the_strip(viewer: Viewer) -> None:
    with FakeServer([FakeStream(bpm=75.0)]) as server:
        page = viewer.open(server.url)
        wait_until(lambda: drawn(page))
        before = greenish(trace(page))
        page.wait_for_timeout(1000)
        after = greenish(trace(page))
    changed = np.flatnonzero((before != after).any(axis=0))
    moved = np.mean(np.diff(changed) < 12)
    assert 60 < len(changed) < 500, "1 s is 94 pixels at 25 mm/s, and the erase gap goes before it"
    assert moved > 0.95, "what changes is one stretch, not the whole strip"
    columns = before.any(axis=0)
    gap = max(len(run) for run in np.split(columns, np.flatnonzero(np.diff(columns)) + 1) if not run[0])
    assert 5 * MM_PX < gap < 12 * MM_PX, "one erase gap"


def test_heights_and_distances_on_the_paper_are_true(viewer: Viewer) -> None:
    with FakeServer([FakeStream(bpm=75.0)]) as server:
        page = viewer.open(server.url)
        wait_until(lambda: drawn(page))
        line = greenish(trace(page))
        settled = page.locator(".ecg .scale").inner_text()
    assert settled == "25 mm/s, 10 mm/mV"
    rows = np.flatnonzero(line.any(axis=1))
    baseline = int(np.argmax(line.sum(axis=1)))
    assert baseline - rows[0] == pytest.approx(0.75 * 10 * MM_PX, abs=2.5)
    tall = np.flatnonzero(line[: baseline - round(0.5 * 10 * MM_PX)].any(axis=0))
    peaks = [run.mean() for run in np.split(tall, np.flatnonzero(np.diff(tall) > 20) + 1)]
    beats = np.diff(peaks)
    assert np.median(beats) == pytest.approx(0.8 * 25 * MM_PX, rel=0.04)


@pytest.mark.parametrize("mm_px", [MM_PX, 5.137])
def test_the_grid_is_a_millimetre_grid_at_the_calibration(viewer: Viewer, mm_px: float) -> None:
    with FakeServer([FakeStream()]) as server:
        page = viewer.open(server.url)
        if mm_px != MM_PX:
            page.keyboard.press("c")
            page.locator("#bar-measured").fill(f"{100 * MM_PX / mm_px:.1f}")
            page.locator("#bar-measured").press("Tab")
            page.locator("#calibrate-dialog").get_by_role("button", name="Done").click()
            page.reload()
            mm_px = page.evaluate("JSON.parse(localStorage.getItem('radarode.monitor')).mmPx")
            assert mm_px == pytest.approx(5.137, rel=0.01)
        wait_until(lambda: drawn(page))
        grid = pixels(page, ".ecg .grid")
        thick, thin = (line_places(grid[:40], colour_of(page, f"grid-{mm}")) for mm in (5, 1))
    assert len(thick) > 30
    np.testing.assert_array_equal(thick, np.round(np.arange(len(thick)) * 5 * mm_px).astype(int))
    every = np.union1d(thick, thin)
    assert np.abs(every - np.arange(len(every)) * mm_px).max() <= 0.51


def test_gaps_are_hatched_and_low_quality_is_shaded(viewer: Viewer) -> None:
    with FakeServer([FakeStream(gaps_s=[(52.0, 53.0)], quality=0.2)]) as server:
        page = viewer.open(server.url)
        wait_until(lambda: drawn(page))
        page.keyboard.press("p")
        expect(page.locator("#scroll-bar")).to_be_visible()
        page.wait_for_timeout(100)
        image, end_s = trace(page), float(page.locator("#scroll").get_attribute("max") or 0)
        poor, gap = (colour_of(page, name) for name in ("poor", "gap"))
    per_s = 25 * MM_PX
    left, right = (round(image.shape[1] - (end_s - at_s) * per_s) for at_s in (52.0, 53.0))
    inside = image[:, left + 6 : right - 6]
    assert not greenish(inside).any(), "no line where nothing is known"
    grey = [int(part) for part in re.findall(r"\d+", gap)[:3]]
    hatched = (inside[..., 3] > 100) & (np.abs(inside[..., :3].astype(int) - grey).max(axis=2) < 40)
    assert 0.05 < hatched.mean() < 0.5
    shaded = image[image.shape[0] - 40, : left - 150].astype(int)
    amber = np.array([int(part) for part in re.findall(r"\d+", poor)[:3]])
    tinted = (shaded[:, 3] > 20) & (shaded[:, 3] < 140) & (np.abs(shaded[:, :3] - amber).max(axis=1) < 30)
    assert tinted.mean() > 0.7


@pytest.mark.parametrize("beds", [1, 2])
def test_a_phone_needs_no_sideways_scrolling(viewer: Viewer, beds: int) -> None:
    long_name = "a radar with a very long name that does not fit"
    streams = [FakeStream(k, f"{long_name} {k}", signal="no signal" if k else "ok") for k in range(beds)]
    with FakeServer(streams) as server:
        page = viewer.open(server.url, PHONE, scheme="light")
        expect(page.locator(".bpm").first).to_have_text("72")
        for _ in range(2):
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            wide = "[...document.querySelectorAll('button, .card, .strip, output')].filter(e => e.offsetParent)"
            assert page.evaluate(f"{wide}.every(e => e.getBoundingClientRect().right <= 360.5)")
            expect(page.locator("#notice-text")).to_be_in_viewport(ratio=1)
            expect(page.locator(".bpm").first).to_be_in_viewport()
            page.keyboard.press("p")
        heights = page.locator(".tools .tool:visible").evaluate_all("all => all.map(e => e.offsetHeight)")
        assert min(heights) >= 44, "fingers need room"


def test_the_theme_follows_the_system_and_the_choice_is_kept(viewer: Viewer) -> None:
    with FakeServer([FakeStream()]) as server:
        page = viewer.open(server.url, scheme="light")
        paper = "getComputedStyle(document.querySelector('.ecg .paper')).backgroundColor"
        expect(page.locator(".bpm")).to_have_text("72")
        light = page.evaluate(paper)
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate(paper)
        page.keyboard.press("t")
        assert page.evaluate(paper) == light != dark
        page.reload()
        expect(page.locator(".bpm")).to_have_text("72")
        assert page.evaluate(paper) == light


PLAYOUT = """async () => {
  const { Playout } = await import("/static/js/playout.js");
  const [playout, heads] = [new Playout(), []];
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  let [dueMs, sentS] = [0, 0];
  for (let nowMs = 0; nowMs < 60000; nowMs += 1000 / 60) {
    while (dueMs <= nowMs) {
      sentS += 0.5;
      playout.arrive(sentS, nowMs);
      dueMs = 1000 * sentS + 120 * random() + (sentS > 30 && sentS < 33 ? 5000 : 0);
    }
    heads.push([nowMs / 1000, playout.advance(nowMs), playout.newestS]);
  }
  return heads;
}"""


def test_the_head_of_the_sweep_is_smooth_and_close_to_what_has_arrived(viewer: Viewer) -> None:
    with FakeServer([FakeStream()]) as server:
        now_s, head_s, newest_s = np.array(viewer.open(server.url).evaluate(PLAYOUT)).T
    steps = np.diff(head_s)
    assert (steps >= 0).all()
    assert (head_s <= newest_s).all()
    calm = (now_s > 5) & (now_s < 29)
    assert np.all(np.abs(steps[calm[1:]] * 60 - 1) < 0.3), "no jerks, although what arrives jitters"
    assert (now_s - head_s)[calm].max() < 0.35, "jitter of 0.12 s needs no more"
    assert (now_s - head_s)[-1] < 0.35, "behind an outage it catches up"


RING = """async () => {
  const { Ring } = await import("/static/js/ring.js");
  const block = (firstS, values) => ({ firstS, columns: values.length, values: Float32Array.from(values) });
  const ring = new Ring(10, 1, 2);
  const kept = () => Array.from({ length: ring.end - ring.start }, (_, k) => String(ring.at(ring.start + k)));
  const seen = [];
  const blocks = [[1.0, [1, 2]], [1.4, [5]], [1.2, [3]], [0.8, [9]], [3.0, [7, 8]], [0.1, [6]], [9, [4]]];
  for (const [firstS, values] of blocks) {
    ring.put(block(firstS, values));
    seen.push([ring.start, ring.end, kept().join(" ")]);
  }
  return [...seen, String(ring.at(12)), ring.has(90), ring.has(91)];
}"""


def test_the_ring_keeps_order_gaps_and_its_size(viewer: Viewer) -> None:
    with FakeServer([FakeStream()]) as server:
        seen = viewer.open(server.url).evaluate(RING)
    assert seen[:4] == [
        [10, 12, "1 2"],
        [10, 15, "1 2 NaN NaN 5"],
        [10, 15, "1 2 3 NaN 5"],
        [8, 15, "9 NaN 1 2 3 NaN 5"],
    ]
    assert seen[4] == [12, 32, "3 NaN 5" + 15 * " NaN" + " 7 8"], "the oldest make room"
    assert seen[5] == seen[4], "what is too old is left out"
    assert seen[6] == [90, 91, "4"], "behind a long silence it begins afresh"
    assert seen[7:] == ["NaN", True, False]
