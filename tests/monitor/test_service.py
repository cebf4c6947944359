"""Streams are kept running, told of, and stopped in order."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise
from typing import Any

import pytest

from radarode.core.errors import InputError
from radarode.monitor import service as service_module
from radarode.monitor.service import Service
from radarode.monitor.settings import MonitorSettings
from radarode.monitor.watch import Watch
from radarode.stream.spec import StreamSpec
from radarode.stream.types import Counts
from tests.monitor.fakes import FREQS_HZ, FakeEngine, Running, facts, make_update, next_of, silent_update, until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "FIRST_WAIT_S", 0.05)


def make_service(*sources: str, hop_s: float = 0.01) -> tuple[Service, FakeEngine]:
    engine = FakeEngine(hop_s)
    specs = [StreamSpec(f"stream {number}", source) for number, source in enumerate(sources)]
    return Service(specs, engine, MonitorSettings()), engine


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_streams_need_names_of_their_own(names: list[str]) -> None:
    with pytest.raises(InputError, match="each with its own name"):
        Service([StreamSpec(name, "run") for name in names], FakeEngine(), MonitorSettings())


@pytest.mark.parametrize("name", ["", "x" * 41, "../up", "a/b", "a\nb", " a", "-a", '"'])
def test_a_name_that_cannot_be_shown_or_filed_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        StreamSpec(name, "run")


def test_a_failed_source_is_tried_again_and_its_fault_told() -> None:
    async def story() -> None:
        service, engine = make_service("fails once", "run")
        service.start()
        await until(lambda: service.lines[0].error is not None)
        assert service.lines[0].error == "the source cannot be reached."
        good, said = service.health()
        assert (good, said["streams"]["stream 0"]["state"]) == (False, "failed")
        await until(lambda: service.lines[0].live and service.lines[1].live)
        assert service.lines[0].error is None
        assert engine.made == {"stream 0": 2, "stream 1": 1}
        assert service.health()[0]
        await service.stop()

    asyncio.run(story())


def test_tries_come_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    made_s, runner = [], FakeEngine.runner

    def noted(self: FakeEngine, *arguments: Any, **options: Any) -> Any:
        made_s.append(time.monotonic())
        return runner(self, *arguments, **options)

    monkeypatch.setattr(FakeEngine, "runner", noted)

    async def story() -> None:
        service, engine = make_service("fails")
        service.start()
        await until(lambda: service.lines[0].failures == 5, 30.0)
        assert engine.made["stream 0"] == 5
        await service.stop()

    asyncio.run(story())
    waits_s = [after - before for before, after in pairwise(made_s)]
    assert all(wait_s > 0.99 * 0.05 * 2**number for number, wait_s in enumerate(waits_s)), waits_s


def test_a_bug_in_one_stream_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        service, engine = make_service("bug", "run")
        service.start()
        await until(lambda: engine.made.get("stream 0", 0) > 1 and service.lines[1].watch.stream_s > 2)
        assert service.lines[0].state == "failed"
        assert service.lines[0].error == "internal error, ZeroDivisionError."
        await service.stop()

    asyncio.run(story())
    assert "ZeroDivisionError: a bug" in caplog.text, "a bug keeps its traceback"


def test_a_replay_that_has_ended_is_not_begun_again() -> None:
    async def story() -> None:
        service, engine = make_service("short")
        service.start()
        await until(lambda: service.lines[0].state == "ended")
        await asyncio.sleep(0.3)
        assert engine.made == {"stream 0": 1}
        assert not service.health()[0]
        await service.stop()

    asyncio.run(story())


def test_a_source_that_never_starts_is_no_signal_and_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "START_S", 0.2)

    async def story() -> None:
        service, _ = make_service("never")
        service.start()
        assert service.health()[0], "it may take a moment"
        await asyncio.sleep(0.3)
        good, said = service.health()
        assert (good, said["streams"]["stream 0"]["state"]) == (False, "starting")
        await until(lambda: [a.name for a in service.lines[0].watch.alarms] == ["no signal"])
        await service.stop()

    asyncio.run(story())


def test_stopping_closes_every_runner_and_the_engine() -> None:
    async def story() -> None:
        service, engine = make_service("run", "never", "fails", "short")
        service.start()
        await until(lambda: service.lines[0].live)
        begun_s = asyncio.get_running_loop().time()
        await service.stop()
        assert asyncio.get_running_loop().time() - begun_s < 5
        assert all(runner.closed for runner in engine.runners)
        assert engine.closed
        assert len(asyncio.all_tasks()) == 1
        await service.stop()

    asyncio.run(story())


def test_viewers_mark_set_limits_and_silence() -> None:
    async def story() -> None:
        async with Running("run", "run") as monitor, monitor.connect() as one, monitor.connect() as two:
            await next_of(two, "state", stream=1)
            await one.send(json.dumps({"type": "mark", "stream": 1, "text": "moved"}))
            event = await next_of(two, "event", stream=1)
            assert event["text"] == "moved"
            assert monitor.engine.runners[1].marks == [(event["at_s"], "moved")]
            await one.send(json.dumps({"type": "limits", "stream": 1, "low_bpm": 70, "delay_s": 0}))
            state = await next_of(two, "state", stream=1, limits={"low_bpm": 70.0, "high_bpm": 130.0, "delay_s": 0.0})
            while not state["alarms"]:
                state = await next_of(two, "state", stream=1)
            (alarm,) = state["alarms"]
            assert (alarm["name"], alarm["level"], alarm["active"], alarm["silenced"]) == (
                "low rate", "medium", True, False,
            )  # fmt: skip
            await two.send(json.dumps({"type": "silence", "stream": 1, "for_s": 60}))
            while not (state["alarms"] and state["alarms"][0]["silenced"]):
                state = await next_of(one, "state", stream=1)
            assert (await next_of(one, "state", stream=0))["alarms"] == [], "the other stream is not concerned"
            await one.send(json.dumps({"type": "limits", "stream": 0, "low_bpm": 5}))
            assert "low_bpm" in (await next_of(one, "error"))["text"]
            await one.send(json.dumps({"type": "mark", "stream": 0, "at_s": 1e6}))
            assert "at_s" in (await next_of(one, "error"))["text"]

    asyncio.run(story())


class Clocked:
    """A watch with a clock of the test's and everything it told."""

    def __init__(self) -> None:
        self.now_s, self.told = 0.0, list[Any]()
        self.watch = Watch(0, "one", FREQS_HZ, MonitorSettings(), self.told.append, lambda: self.now_s)
        self.watch.begin(facts())

    def take(self, hops: range, **options: Any) -> None:
        for hop in hops:
            self.now_s += 0.5
            self.watch.take(make_update(hop, **options))

    def words(self, kind: str) -> list[dict[str, Any]]:
        found = [json.loads(message) for message in self.told if isinstance(message, str)]
        return [message for message in found if message["type"] == kind]


def test_a_watch_tells_a_state_a_hop_and_hides_a_rate_of_poor_quality() -> None:
    clocked = Clocked()
    clocked.take(range(40))
    states = clocked.words("state")
    assert len(states) == 40
    last = states[-1]
    assert (last["heart_rate_bpm"], last["interval_ms"], last["signal"], last["stream_s"]) == (60.0, 1000.0, "ok", 20.0)
    clocked.take(range(40, 42), quality=0.1)
    last = clocked.words("state")[-1]
    assert (last["heart_rate_bpm"], last["interval_ms"], last["quality"]) == (None, None, 0.1)


def test_silence_of_the_runner_too_becomes_no_signal() -> None:
    clocked = Clocked()
    clocked.take(range(40))
    clocked.now_s += 2.0
    clocked.watch.tick()
    assert clocked.watch.signal == "ok"
    clocked.now_s += 1.0
    clocked.watch.tick()
    last = clocked.words("state")[-1]
    assert (last["signal"], last["heart_rate_bpm"]) == ("no signal", None)
    assert [alarm["name"] for alarm in last["alarms"]] == ["no signal"]


def test_a_lost_heartbeat_is_asystole_and_a_lost_signal_is_not() -> None:
    clocked = Clocked()
    clocked.take(range(60))
    clocked.take(range(60, 90), bpm=None, signal="no heartbeat", quality=0.0)
    assert [alarm.name for alarm in clocked.watch.alarms] == ["asystole"]
    clocked = Clocked()
    clocked.take(range(60))
    for _ in range(30):
        clocked.now_s += 1.0
        clocked.watch.take(silent_update(60))
    assert [alarm.name for alarm in clocked.watch.alarms] == ["no signal"]


def test_lost_samples_are_shown_as_a_share_of_the_last_minute() -> None:
    clocked = Clocked()
    clocked.take(range(200), lost=0)
    clocked.take(range(200, 260), lost=3000)
    assert clocked.watch.lost_share == pytest.approx(3000 / 12000, abs=0.01)
    clocked.take(range(260, 400), lost=3000)
    assert clocked.watch.lost_share == 0.0
    assert clocked.words("state")[-1]["counts"]["lost_samples"] == 3000


def test_a_restart_begins_time_and_history_anew_and_is_told() -> None:
    clocked = Clocked()
    clocked.take(range(40))
    run = clocked.watch.hello()["run"]
    clocked.watch.begin(facts(channels=5))
    assert run != clocked.watch.hello()["run"] is not None
    assert clocked.words("restart") == [{"type": "restart", "stream": 0}]
    assert (clocked.watch.stream_s, clocked.watch.messages(0, 100)) == (0.0, [])
    clocked.take(range(20), channels=5)
    assert clocked.watch.hello()["channels"] == 5
    assert clocked.watch.stream_s == 10.0
    assert clocked.watch.counts == Counts(samples=2000)


def test_a_restart_to_other_counts_is_no_negative_loss() -> None:
    clocked = Clocked()
    clocked.take(range(40), lost=500)
    clocked.watch.take(make_update(0))
    assert clocked.watch.lost_share == 0.0


def test_a_source_that_fails_for_ever_is_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "LONGEST_WAIT_S", 0.01)

    async def story() -> None:
        service, engine = make_service("fails")
        service.lines[0].failures = 1030
        service.start()
        await until(lambda: engine.made["stream 0"] > 2 if engine.made else False)
        assert service.lines[0].failures > 1031
        await service.stop()

    asyncio.run(story())


def test_a_task_that_dies_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(self: Watch) -> None:
        raise ZeroDivisionError("a bug in a task")

    monkeypatch.setattr(Watch, "tick", broken)

    async def story() -> None:
        service, _ = make_service("fails")
        service.start()
        await until(lambda: "a bug in a task" in caplog.text)
        await service.stop()

    asyncio.run(story())
