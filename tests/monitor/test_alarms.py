"""Alarms are a pure state machine: every rule is a short story of updates."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from radarode.core.errors import InputError
from radarode.monitor.alarms import (
    FORGET_S,
    GRACE_S,
    LEVELS,
    UNSURE_S,
    Alarm,
    AlarmState,
    Seen,
    begin_anew,
    silence,
    standing,
    step,
)
from radarode.monitor.limits import Limits

HOP_S = 0.5
LIMITS = Limits()


def beating(rate: float | None = 70.0) -> Seen:
    return Seen("ok", rate, HOP_S, HOP_S, 0.2)


def beatless(signal: str = "no heartbeat") -> Seen:
    return Seen(signal, None, HOP_S, HOP_S, None)  # type: ignore[arg-type]


SILENT = Seen("no signal")


class Story:
    """Tell updates at a hop each and keep what alarms stood."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.state, self.now_s, self.limits = AlarmState(), 100.0, limits
        self.alarms: tuple[Alarm, ...] = ()

    def tell(self, seen: Seen, for_s: float = HOP_S) -> Story:
        for _ in range(round(for_s / HOP_S)):
            self.now_s += HOP_S
            self.state, self.alarms = step(self.state, self.now_s, seen, self.limits)
        return self

    def names(self, *, active: bool | None = None) -> list[str]:
        return [a.name for a in self.alarms if active is None or a.active is active]

    def until(self, seen: Seen, name: str, at_most_s: float) -> float:
        begun_s = self.now_s
        while name not in self.names():
            assert self.now_s - begun_s <= at_most_s, f"no {name} within {at_most_s} s"
            self.tell(seen)
        return self.now_s - begun_s


def test_a_steady_heart_raises_nothing() -> None:
    assert Story().tell(Seen("warming up", None, HOP_S, HOP_S), 10).tell(beating(), 600).alarms == ()


@pytest.mark.parametrize(("rate", "name"), [(39.9, "low rate"), (130.1, "high rate")])
def test_a_rate_beyond_its_limit_is_raised_behind_the_delay_and_not_before(rate: float, name: str) -> None:
    story = Story().tell(beating(), 20)
    waited_s = story.until(beating(rate), name, 10)
    assert waited_s == pytest.approx(LIMITS.delay_s + HOP_S)
    (alarm,) = story.alarms
    assert (alarm.level, alarm.active, alarm.silenced, alarm.since_s) == ("medium", True, False, 0.0)
    assert f"{rate:.0f} bpm" in alarm.text


@pytest.mark.parametrize("rate", [40.0, 130.0])
def test_the_limits_themselves_are_allowed(rate: float) -> None:
    assert Story().tell(beating(rate), 60).alarms == ()


def test_a_short_excursion_raises_nothing_and_starts_the_delay_afresh() -> None:
    story = Story().tell(beating(), 20)
    for _ in range(10):
        story.tell(beating(35.0), LIMITS.delay_s - 1.0).tell(beating(60.0), 1.0)
        assert story.alarms == ()


def test_no_delay_raises_at_once() -> None:
    assert Story(Limits(delay_s=0.0)).tell(beating(35.0)).names() == ["low rate"]


def test_an_unknown_rate_neither_ends_nor_starts_the_delay() -> None:
    story = Story().tell(beating(35.0), 3.0).tell(beating(None), 1.0)
    assert story.alarms == ()
    assert story.tell(beating(35.0), 1.5).names() == ["low rate"], "3 s before and 1.5 s after: 5 s have passed"


def test_what_was_seen_long_ago_is_forgotten() -> None:
    story = Story().tell(beating(35.0), 3.0).tell(beating(None), FORGET_S + 1).tell(beating(35.0), 3.0)
    assert story.names() == []


def test_an_alarm_about_the_person_stays_until_it_is_acknowledged() -> None:
    story = Story().tell(beating(35.0), 10).tell(beating(70.0), 300)
    (alarm,) = story.alarms
    assert (alarm.name, alarm.active) == ("low rate", False)
    assert alarm.since_s > 300
    story.state = silence(story.state, story.now_s, 0)
    assert standing(story.state, story.now_s) == ()
    assert story.tell(beating(70.0), 5).alarms == ()


def test_acknowledged_while_it_holds_it_stays_and_leaves_with_its_cause() -> None:
    story = Story().tell(beating(35.0), 10)
    story.state = silence(story.state, story.now_s, 0)
    assert story.tell(beating(35.0), 5).names(active=True) == ["low rate"]
    assert story.tell(beating(70.0)).alarms == ()
    assert story.tell(beating(35.0), 10).names() == ["low rate"], "a new one is a new alarm"
    assert story.tell(beating(70.0), 10).names() == ["low rate"], "and must be acknowledged anew"


def test_silence_ends_after_its_time_and_does_not_cover_new_alarms() -> None:
    story = Story().tell(beating(35.0), 10)
    story.state = silence(story.state, story.now_s, 30)
    assert [a.silenced for a in story.tell(beating(35.0), 20).alarms] == [True]
    assert [(a.name, a.silenced) for a in story.tell(beatless(), 9).alarms] == [("asystole", False), ("low rate", True)]
    assert not any(a.silenced for a in story.tell(beatless(), 2).alarms)


@pytest.mark.parametrize("for_s", [-1.0, 601.0, float("nan")])
def test_silence_for_a_day_is_refused(for_s: float) -> None:
    with pytest.raises(InputError, match="for_s"):
        silence(AlarmState(), 0.0, for_s)


def test_a_lost_heartbeat_is_asystole() -> None:
    story = Story().tell(beating(), 30)
    waited_s = story.until(beatless(), "asystole", 20)
    assert waited_s == pytest.approx(LIMITS.asystole_s, abs=HOP_S)
    (alarm,) = story.alarms
    assert (alarm.level, alarm.active) == ("high", True)
    assert "nobody before the sensor" in alarm.text
    story.tell(beating(), 60)
    assert story.names(active=False) == ["asystole"], "it stays until it is acknowledged"


def test_asystole_needs_no_word_of_the_engine() -> None:
    story = Story().tell(beating(), 30)
    story.until(Seen("ok", 70.0, HOP_S, HOP_S, None), "asystole", 7)


def test_a_slow_heart_is_no_asystole() -> None:
    story = Story(Limits(low_bpm=20))
    for _ in range(20):
        story.tell(Seen("ok", 22.0, HOP_S, HOP_S, 0.1)).tell(Seen("ok", 22.0, HOP_S, HOP_S, None), 2.0)
    assert story.alarms == ()


def test_no_signal_is_technical_and_never_asystole() -> None:
    story = Story().tell(beating(), 30).tell(SILENT)
    (alarm,) = story.alarms
    assert (alarm.name, alarm.level, alarm.active) == ("no signal", "technical", True)
    assert story.tell(SILENT, 120).names() == ["no signal"]


def test_no_signal_leaves_with_its_cause_and_beats_get_time_to_come_back() -> None:
    story = Story().tell(beating(), 30).tell(SILENT, 60)
    assert story.tell(beatless(), GRACE_S).alarms == ()
    assert story.tell(beating(), 30).alarms == ()


def test_behind_a_gap_a_heart_that_does_not_come_back_is_asystole() -> None:
    story = Story().tell(beating(), 30).tell(SILENT, 60)
    waited_s = story.until(beatless(), "asystole", 30)
    assert waited_s == pytest.approx(GRACE_S + LIMITS.asystole_s, abs=2 * HOP_S)


def test_missing_motion_does_not_count_as_beatless() -> None:
    gap = Seen("ok", None, HOP_S, 0.1, None)
    story = Story().tell(beating(), 30).tell(gap, 12)
    assert story.names() == []
    assert story.tell(beatless("ok"), GRACE_S).names() == []


def test_an_empty_room_is_no_asystole_but_is_told() -> None:
    story = Story().tell(beatless(), UNSURE_S - 1)
    assert story.names() == []
    (alarm,) = story.tell(beatless(), 3).alarms
    assert (alarm.name, alarm.level) == ("no heartbeat", "technical")
    assert story.tell(beatless(), 300).names() == ["no heartbeat"]
    assert story.tell(beating(), 1).alarms == ()


def test_poor_quality_says_that_limits_are_not_watched() -> None:
    story = Story().tell(beating(), 30)
    waited_s = story.until(beating(None), "low quality", 30)
    assert waited_s == pytest.approx(UNSURE_S + HOP_S)
    assert story.alarms[0].level == "technical"
    assert story.tell(beating()).alarms == ()


def test_a_rate_alarm_stays_when_the_signal_goes_but_no_longer_holds() -> None:
    story = Story().tell(beating(35.0), 10).tell(SILENT, 5)
    assert story.names(active=True) == ["low rate", "no signal"]
    story.tell(SILENT, FORGET_S)
    assert (story.names(active=True), story.names(active=False)) == (["no signal"], ["low rate"])


def test_the_most_urgent_comes_first() -> None:
    story = Story(Limits(delay_s=0)).tell(beating(35.0), 10).tell(beating(200.0), 10).tell(beatless(), 10)
    assert story.names() == ["asystole", "low rate", "high rate"]
    story.tell(SILENT)
    assert story.names() == ["asystole", "low rate", "high rate", "no signal"]
    order = [alarm.name for alarm in story.alarms]
    assert order == sorted(order, key=list(LEVELS).index)


def test_new_limits_count_from_the_next_update() -> None:
    story = Story().tell(beating(100.0), 60)
    story.limits = Limits(high_bpm=90.0)
    assert story.tell(beating(100.0), 10).names() == ["high rate"]


def test_a_restart_keeps_what_must_be_acknowledged_and_forgets_the_heart() -> None:
    story = Story().tell(beating(35.0), 10).tell(SILENT, 2)
    story.state = begin_anew(story.state)
    assert [(a.name, a.active) for a in standing(story.state, story.now_s)] == [("low rate", False)]
    assert story.tell(beatless(), UNSURE_S - 1).names() == ["low rate"], "no asystole before a heartbeat was there"


def test_time_alone_raises_nothing_new_and_the_step_is_pure() -> None:
    state = Story().tell(beating(35.0), 3).state
    twice = [step(state, 200.0, beating(35.0), LIMITS) for _ in range(2)]
    assert twice[0] == twice[1]
    assert state == Story().tell(beating(35.0), 3).state


@pytest.mark.parametrize(
    "values",
    [
        {"low_bpm": 10},
        {"high_bpm": 400},
        {"low_bpm": 100, "high_bpm": 90},
        {"low_bpm": 90, "high_bpm": 90},
        {"delay_s": -1},
        {"delay_s": 61},
        {"asystole_s": 1},
        {"low_bpm": float("nan")},
    ],
)
def test_limits_that_watch_nothing_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Limits(**values)


def names_of(alarms: Iterable[Alarm]) -> set[str]:
    return {alarm.name for alarm in alarms}


def test_whatever_comes_only_known_alarms_stand(rng) -> None:
    state, now_s = AlarmState(), 0.0
    signals = ["warming up", "no signal", "no heartbeat", "ok"]
    for _ in range(5000):
        now_s += float(rng.exponential(1.0))
        rate = None if rng.random() < 0.3 else float(rng.uniform(20, 200))
        age = None if rng.random() < 0.5 else float(rng.uniform(0, 2))
        seen = Seen(signals[rng.integers(4)], rate, HOP_S, float(rng.uniform(0, HOP_S)), age)  # type: ignore[arg-type]
        if rng.random() < 0.02:
            state = silence(state, now_s, float(rng.uniform(0, 60)))
        state, alarms = step(state, now_s, seen, LIMITS)
        assert names_of(alarms) <= set(LEVELS)
        assert all(alarm.since_s >= 0 and alarm.text for alarm in alarms)
        technical = [alarm for alarm in alarms if alarm.level == "technical"]
        assert all(alarm.active for alarm in technical), "technical alarms leave with their cause"
