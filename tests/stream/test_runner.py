"""A source run to its end in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.stream import runner as runner_module
from radarode.stream.live import LiveStream
from radarode.stream.runner import Runner
from radarode.stream.types import Packet, SourceFacts, StreamSettings, Update
from tests.stream.live_help import FACTS, joined, packets, simulated, untrained


class Script:
    """Yield items; a number is a pause, an exception is raised."""

    def __init__(self, *items: SourceFacts | Packet | float | Exception, speed: float = 100.0) -> None:
        self.items, self.speed = items, speed

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, (int, float)):
                await asyncio.sleep(item)
            else:
                yield item

    def lost(self) -> int:
        return 3


class Notes:
    """A sink that remembers, and fails when told to."""

    def __init__(self, fail_at: int = -1) -> None:
        self.begun: list[SourceFacts] = []
        self.updates: list[Update] = []
        self.closed, self.fail_at = 0, fail_at

    def begin(self, facts: SourceFacts) -> None:
        self.begun.append(facts)

    def write(self, update: Update) -> None:
        if len(self.updates) == self.fail_at:
            raise OSError("no space left")
        self.updates.append(update)

    def close(self) -> None:
        self.closed += 1


def cut(samples: int = 1600) -> list[Packet]:
    return packets(simulated(20.0, 3).rcg[:, :samples])


def test_all_that_a_source_sends_reaches_listeners_and_sinks() -> None:
    notes, heard = Notes(), []
    runner = Runner(Script(FACTS, *cut()), untrained(), sinks=[notes])
    runner.listeners.append(heard.append)
    assert runner.state == "starting"
    asyncio.run(runner.run())
    assert (runner.state, runner.error, runner.facts) == ("ended", None, FACTS)
    assert heard[0] == notes.begun[0] == FACTS
    assert heard[1:] == notes.updates
    assert joined(notes.updates, "settled").shape == (1600,)
    assert notes.closed == 1
    assert runner.last is notes.updates[-1]
    assert runner.counts == notes.updates[-1].counts
    assert (runner.counts.samples, runner.counts.refused_packets, runner.counts.dropped_packets) == (1600, 3, 0)


def test_new_facts_begin_sinks_and_listeners_anew() -> None:
    other = SourceFacts("other", 3, 200.0, "acceleration")
    notes = Notes()
    runner = Runner(Script(FACTS, *cut(900), other, *cut(900)), untrained(), sinks=[notes])
    order: list[str] = []
    runner.listeners.append(
        lambda news: order.append(news.name if isinstance(news, SourceFacts) else str(news.rcg_first))
    )
    asyncio.run(runner.run())
    assert notes.begun == [FACTS, other]
    second = order.index("other")
    assert order[0] == "test"
    assert order[second + 1] == "0"
    assert runner.counts.restarts == 1
    assert runner.counts.samples == 1800


def test_a_source_that_restarts_without_saying_so_begins_anew() -> None:
    later = [Packet(one.motion, one.arrived_s + 20, one.index) for one in cut(1600)]
    notes = Notes()
    runner = Runner(Script(FACTS, *cut(1600), *later), untrained(), sinks=[notes])
    asyncio.run(runner.run())
    assert notes.begun == [FACTS, FACTS]
    assert runner.counts.restarts == 1


def test_a_sink_that_fails_is_told_of_and_the_rest_goes_on() -> None:
    bad, good = Notes(fail_at=1), Notes()
    runner = Runner(Script(FACTS, *cut()), untrained(), sinks=[bad, good])
    asyncio.run(runner.run())
    assert runner.state == "ended"
    assert runner.sink_errors == {"Notes 1": "no space left"}
    assert len(bad.updates) == 1
    assert joined(good.updates, "settled").shape == (1600,)
    assert bad.closed == good.closed == 1


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ((InputError("the radar is off."),), "the radar is off."),
        ((FACTS, *cut(500), OSError("gone")), "gone"),
        (tuple(cut(100)), "before it told"),
        ((SourceFacts("slow", 3, 2.0, "velocity"),), "fs_hz"),
    ],
)
def test_a_source_that_fails_is_one_line(items: tuple, text: str) -> None:
    notes = Notes()
    runner = Runner(Script(*items), untrained(), sinks=[notes])
    asyncio.run(runner.run())
    assert runner.state == "failed"
    assert runner.error is not None
    assert text in runner.error
    assert "\n" not in runner.error
    assert notes.closed == 1


def test_what_came_before_a_failure_is_settled() -> None:
    notes = Notes()
    asyncio.run(Runner(Script(FACTS, *cut(1000), OSError("gone")), untrained(), sinks=[notes]).run())
    assert joined(notes.updates, "settled").shape == (1000,)


def test_cancelling_settles_and_closes() -> None:
    notes = Notes()
    runner = Runner(Script(FACTS, *cut(1000), 60.0), untrained(), sinks=[notes])

    async def run() -> None:
        task = asyncio.create_task(runner.run())
        while runner.last is None:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert runner.state == "ended"
    assert notes.closed == 1
    settled = joined(notes.updates, "settled")
    assert settled.shape == (runner.counts.samples,)


def test_silence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "SILENCE_S", 0.5)
    runner = Runner(Script(FACTS, *cut(1040), 2.3), untrained())
    heard: list[Update] = []
    runner.listeners.append(lambda news: heard.append(news) if isinstance(news, Update) else None)
    asyncio.run(runner.run())
    silent = [one for one in heard[:-1] if one.signal == "no signal"]
    assert len(silent) >= 1
    assert silent[0].rcg.shape == (3, 0)
    assert silent[0].rcg_first == 1000
    assert silent[0].heart_rate_bpm is None
    assert silent[0].lag_s > 0.5


def test_a_live_source_is_never_held_up_and_drops_are_counted_and_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    push = LiveStream.push

    def slow(self: LiveStream, packet: Packet) -> Update | None:
        time.sleep(0.05)
        return push(self, packet)

    monkeypatch.setattr(LiveStream, "push", slow)
    plain = [Packet(one.motion, one.arrived_s) for one in packets(simulated(20.0, 3).rcg)]
    runner = Runner(Script(FACTS, *plain[:10], 0.3, *plain[10:], speed=1.0), untrained(), StreamSettings(queue_s=1.0))
    asyncio.run(runner.run())
    counts = runner.counts
    assert counts.dropped_packets > 100
    assert counts.lost_samples >= 20 * counts.dropped_packets - 20
    assert counts.samples == 4000


def test_it_can_be_saved_while_it_runs() -> None:
    runner = Runner(Script(FACTS, *cut(1000), 0.2, *cut()[50:]), untrained())
    assert runner.save() is None
    saved: list[bytes | None] = []

    async def run() -> None:
        task = asyncio.create_task(runner.run())
        while runner.counts.samples < 1000:
            await asyncio.sleep(0.01)
        saved.append(runner.save())
        await task

    asyncio.run(run())
    assert saved[0] is not None
    assert LiveStream.load(saved[0], untrained()).facts == FACTS


def test_the_updates_are_those_of_the_stream_alone() -> None:
    heard: list[Update] = []
    runner = Runner(Script(FACTS, *cut()), untrained())
    runner.listeners.append(lambda news: heard.append(news) if isinstance(news, Update) else None)
    asyncio.run(runner.run())
    live = LiveStream(untrained(), FACTS)
    alone = [update for one in cut() if (update := live.push(one)) is not None]
    np.testing.assert_array_equal(joined(heard, "drawn"), joined([*alone, live.finish()], "drawn"))


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_the_lag_holds_what_waited_for_a_slow_network(monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
    push = LiveStream.push

    def slow(self: LiveStream, packet: Packet) -> Update | None:
        time.sleep(0.02)
        return push(self, packet)

    monkeypatch.setattr(LiveStream, "push", slow)
    monkeypatch.setattr(runner_module, "SILENCE_S", 0.5)  # the source fell silent, yet what it sent still waits
    now_s, heard = time.monotonic(), []
    late = [replace(one, arrived_s=one.arrived_s + now_s - 30.0) for one in cut(1600)]
    runner = Runner(Script(FACTS, *late, speed=speed), untrained())
    runner.listeners.append(lambda news: heard.append(news) if isinstance(news, Update) else None)
    asyncio.run(runner.run())
    lags = [one.lag_s for one in heard[4:-1]]
    assert (min(lags) > 20.0) if speed == 1.0 else (max(lags) < 5.0)
