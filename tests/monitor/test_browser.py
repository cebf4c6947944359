"""The page in a real browser: what it does when streams change and people use it."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from radarode.core.notice import NOTICE
from radarode.monitor.app import static_folder
from tests.monitor.browsing import (
    MM_PX,
    Viewer,
    colour_of,
    drawn,
    greenish,
    trace,
    wait_until,
)
from tests.monitor.fake_server import FakeServer
from tests.monitor.fake_stream import FakeStream


def test_the_rate_is_shown_and_hidden_when_the_quality_is_low(viewer: Viewer) -> None:
    stream = FakeStream(bpm=63.0)
    with FakeServer([stream]) as server:
        page = viewer.open(server.url)
        expect(page.locator(".bpm")).to_have_text(re.compile(r"\d+"))
        assert abs(float(page.locator(".bpm").inner_text()) - 63) <= 2
        expect(page.locator(".meter")).to_have_attribute("aria-valuenow", "90")
        expect(page.locator("[data-field=interval]")).to_have_text("952\u202fms")
        expect(page.locator("[data-field=lost]")).to_have_text("0.4\u202f%")
        expect(page.locator("[data-field=drift]")).to_have_text("+12\u202fppm")
        expect(page.locator("[data-field=delay]")).to_have_text(re.compile(r"^[23]\.\d\u202fs$"))
        expect(page.locator(".simulated")).to_be_visible()
        expect(page.locator("#notice-text")).to_have_text(NOTICE)
        stream.quality = 0.1
        expect(page.locator(".bpm")).to_have_text("--")
        expect(page.locator(".meter")).to_have_attribute("data-grade", "poor")
        expect(page.locator("[data-field=interval]")).to_have_text("--")


def test_a_slow_heart_raises_an_alarm_until_it_is_silenced(viewer: Viewer) -> None:
    stream = FakeStream(bpm=36.0, low_bpm=30.0)
    with FakeServer([stream]) as server:
        page = viewer.open(server.url)
        expect(page.locator(".bpm")).to_have_text("36")
        expect(page.locator("#alarm-list")).to_have_text("No alarms")
        page.keyboard.press("l")
        page.locator("#limits-low").fill("150")
        page.locator("#limits-low").press("Enter")
        expect(page.locator("#limits-wrong")).to_contain_text("below the high one")
        page.locator("#limits-low").fill("45")
        page.locator("#limits-delay").fill("0.5")
        page.locator("#limits-low").press("Enter")
        alarm = page.locator("#alarm-list [data-level=medium]")
        expect(alarm).to_contain_text("Heart rate 36 bpm, below 45")
        expect(page.locator("#alarm-voice")).to_contain_text("Heart rate 36 bpm")
        assert page.locator("#alarm-voice").get_attribute("aria-live") == "assertive"
        assert alarm.evaluate("e => getComputedStyle(e).backgroundColor") == colour_of(page, "medium")
        expect(page.locator(".card")).to_have_attribute("data-alarm", "medium")
        expect(page.locator(".rate .limits")).to_have_text("45\u2013130")
        page.keyboard.press("b")
        expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("s")
        expect(page.locator("#silence-text")).to_have_text(re.compile(r"Silenced \d+ s"))
        wait_until(lambda: {"type": "silence", "stream": 0, "for_s": 60} in server.heard)
        stream.bpm = 70.0
        expect(page.locator("#alarm-list")).to_have_text("No alarms")


def test_no_signal_is_told_and_is_no_asystole(viewer: Viewer) -> None:
    stream = FakeStream()
    with FakeServer([stream]) as server:
        page = viewer.open(server.url)
        expect(page.locator(".bpm")).to_have_text("72")
        expect(page.locator(".veil")).to_be_hidden()
        stream.signal = "no signal"
        expect(page.locator(".veil strong")).to_have_text("NO SIGNAL")
        expect(page.locator(".bpm")).to_have_text("--")
        expect(page.locator(".quality-text")).to_have_text("--")
        expect(page.locator("#alarm-list [data-level=technical]")).to_contain_text("No signal")
        expect(page.locator("#alarm-list")).not_to_contain_text("asystole")
        page.wait_for_timeout(1200)
        still = trace(page)
        page.wait_for_timeout(400)
        np.testing.assert_array_equal(trace(page), still)
        stream.signal = "no heartbeat"
        expect(page.locator(".veil strong")).to_have_text("NO HEARTBEAT")
        expect(page.locator("#alarm-list [data-level=high]")).to_contain_text("asystole")
        stream.signal = "ok"
        expect(page.locator(".veil")).to_be_hidden()


def test_it_connects_again_after_the_server_restarts(viewer: Viewer) -> None:
    with FakeServer([FakeStream(before_s=300.0)]) as first:
        page, port = viewer.open(first.url), first.port
        expect(page.locator(".bpm")).to_have_text("72")
        wait_until(lambda: drawn(page))
    expect(page.locator("#lost-bar")).to_contain_text("Connection lost")
    expect(page.locator(".bpm")).to_have_text("--")
    assert drawn(page), "the old strip stays"
    assert "grayscale" in page.locator(".strips").evaluate("e => getComputedStyle(e).filter")
    expect(page.locator("#alarm-list")).to_contain_text("nothing is watched")
    with FakeServer([FakeStream(before_s=5.0, bpm=88.0)], port):
        expect(page.locator("#lost-bar")).to_be_hidden(timeout=15_000)
        expect(page.locator(".bpm")).to_have_text("88")
        expect(page.locator("#link-text")).to_have_text("Connected")
        before = trace(page)
        page.wait_for_timeout(1500)
        assert (trace(page) != before).any(), "its time began anew, and it is drawn"
        expect(page.locator("[data-field=time]")).to_have_text(re.compile(r"^0:00:"))
    viewer.forgive("ERR_CONNECTION")


def test_another_run_of_a_stream_is_another_stream_although_its_time_is_later(viewer: Viewer) -> None:
    with FakeServer([FakeStream(run="one", events=[{"at_s": 50.0, "text": "of the first run"}])]) as first:
        page, port = viewer.open(first.url), first.port
        expect(page.locator(".events li")).to_contain_text("of the first run")
    expect(page.locator("#lost-bar")).to_contain_text("Connection lost")
    with FakeServer([FakeStream(run="two", before_s=90.0, bpm=88.0)], port):
        expect(page.locator("#lost-bar")).to_be_hidden(timeout=15_000)
        expect(page.locator(".bpm")).to_have_text("88")
        expect(page.locator(".events li")).to_have_count(0)
    viewer.forgive("ERR_CONNECTION")


PAST = """async () => {
  const { Past } = await import(new URL("static/js/past.js", document.baseURI));
  const past = new Past(0, () => null);
  await past.fetch(30, 40);
  const both = past.eventsWith([{ atS: 20, text: "older" }, { atS: 90, text: "newer" }]);
  const [fetched, seen] = [window.fetch, []];
  let asked = 0;
  window.fetch = () => { asked += 1; return Promise.reject(new Error("down")); };
  for (let k = 0; k < 40; k += 1) {
    await past.fetch(200, 210).catch((error) => seen.push(error.message));
    await new Promise((done) => setTimeout(done, 100));
  }
  window.fetch = fetched;
  return [both.map(({ text }) => text), asked, seen];
}"""


def test_history_brings_older_marks_and_is_not_asked_for_at_every_frame_behind_a_failure(viewer: Viewer) -> None:
    with FakeServer(
        [FakeStream(before_s=400.0, events=[{"at_s": 20.0, "text": "older"}, {"at_s": 35.0, "text": "old"}])]
    ) as server:
        both, asked, seen = viewer.open(server.url).evaluate(PAST)
    assert both == ["old", "older", "newer"]
    assert asked == 2
    assert seen == ["down"]


def test_pause_scroll_back_mark_and_export(viewer: Viewer) -> None:
    with FakeServer([FakeStream(before_s=400.0)]) as server:
        page = viewer.open(server.url)
        wait_until(lambda: drawn(page))
        page.keyboard.press("p")
        expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
        page.wait_for_timeout(150)
        newest = trace(page)
        page.wait_for_timeout(700)
        np.testing.assert_array_equal(trace(page), newest)
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(100)
        back = greenish(trace(page))
        step = round(25 * MM_PX)
        same = (back[:, step:] == greenish(newest)[:, :-step]).mean()
        assert same > 0.985, "1 s earlier is 25 mm to the right"
        assert server.asked == []
        page.keyboard.press("Home")
        wait_until(lambda: len(server.asked) > 0)
        wait_until(lambda: drawn(page))
        expect(page.locator("#scroll-time")).to_contain_text("s back")
        page.keyboard.press("End")
        expect(page.locator("#scroll-time")).not_to_contain_text("back")
        page.keyboard.press(" ")
        expect(page.locator("#scroll-bar")).to_be_hidden()
        page.keyboard.press("m")
        page.keyboard.type("patient coughed")
        page.keyboard.press("Enter")
        expect(page.locator(".events li")).to_contain_text("patient coughed")
        mark = next(said for said in server.heard if said["type"] == "mark")
        assert mark["at_s"] == pytest.approx(server.streams[0].now_s, abs=2.5)
        page.keyboard.press("e")
        page.locator("#export-minutes").fill("3")
        for kind in ("wfdb", "edf", "csv"):
            assert page.locator(f"#export-{kind}").get_attribute("href") == f"export?stream=0&minutes=3&format={kind}"
        with page.expect_download() as download:
            page.locator("#export-edf").click()
        assert download.value.suggested_filename == "export.edf"


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.className")


def test_all_of_it_by_keyboard(viewer: Viewer) -> None:
    with FakeServer([FakeStream(0, "bed 1"), FakeStream(1, "bed 2", bpm=58.0, simulated=False)]) as server:
        page = viewer.open(server.url)
        expect(page.locator(".card")).to_have_count(2)
        expect(page.locator(".card").nth(1).locator(".simulated")).to_be_hidden()
        seen = []
        while len(seen) < 30 and (not seen or seen[-1] != "title"):
            page.keyboard.press("Tab")
            seen.append(focused(page))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", seen[-1]
        assert {"speed", "gain", "pause", "mark", "export", "limits", "sound", "calibrate", "theme", "help"} <= set(
            seen
        )
        page.keyboard.press("Enter")
        expect(page.locator(".card:visible .name")).to_have_text("bed 1")
        expect(page.locator(".card:visible .trends")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".card:visible")).to_have_count(2)
        assert focused(page) == "title"
        page.keyboard.press("2")
        expect(page.locator(".card:visible .bpm")).to_have_text("58")
        page.keyboard.press("]")
        page.keyboard.press("+")
        expect(page.locator(".card:visible .scale")).to_have_text("50 mm/s, 20 mm/mV")
        page.keyboard.press("?")
        expect(page.locator("#help-dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#help-dialog")).to_be_hidden()
        page.keyboard.press("c")
        page.locator("#bar-handle").press("ArrowRight")
        expect(page.locator("#bar-facts")).to_contain_text(f"{MM_PX + 0.01:.3f}")
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        page.keyboard.press("t")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_token_is_asked_for_and_kept_in_the_tab(viewer: Viewer) -> None:
    with FakeServer([FakeStream(before_s=400.0)], token="open sesame now 1") as server:
        page = viewer.open(server.url)
        expect(page.locator("#login-dialog")).to_be_visible()
        page.locator("#login-token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#login-wrong")).to_have_text("This token is not the right one.")
        page.locator("#login-token").fill("open sesame now 1")
        page.keyboard.press("Enter")
        expect(page.locator(".bpm")).to_have_text("72")
        page.reload()
        expect(page.locator(".bpm")).to_have_text("72")
        assert page.evaluate("[sessionStorage.length, document.cookie, location.href]") == [1, "", server.url]
        page.keyboard.press("p")
        page.keyboard.press("Home")
        wait_until(lambda: len(server.asked) > 0)
        wait_until(lambda: drawn(page))
        page.keyboard.press("e")
        with page.expect_download() as download:
            page.locator("#export-csv").click()
        assert download.value.suggested_filename == "export.csv"
        other = viewer.open(server.url + "#token=open%20sesame%20now%201")
        expect(other.locator(".bpm")).to_have_text("72")
        assert other.url == server.url, "the token is taken out of the address"


def test_the_page_asks_nobody_else_and_holds_no_inline_script() -> None:
    text = (static_folder() / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?://", text)
    own = [path for folder in ("js", "style") for path in sorted((static_folder() / folder).iterdir())]
    assert len(own) > 15
    for path in own:
        content = path.read_text()
        assert not re.search(r"https?://|@import|eval\(|innerHTML", content), path.name
        assert len(content.splitlines()) <= 250, path.name


def test_every_symbol_and_element_that_scripts_name_is_there() -> None:
    page = (static_folder() / "index.html").read_text()
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    scripts = "".join(path.read_text() for path in (static_folder() / "js").iterdir())
    named = set(re.findall(r'find\("([a-z0-9-]+)"\)', scripts)) | set(
        re.findall(r'querySelector\("#([a-z-]+)"\)', scripts)
    )
    assert len(named) > 20
    assert named <= ids
    assert set(re.findall(r'href="#([\w-]+)"', page)) | set(re.findall(r'"#(i-\w+)"', scripts)) <= ids
    assert all(first != second for first, second in pairwise(sorted(re.findall(r'\bid="([^"]+)"', page))))
