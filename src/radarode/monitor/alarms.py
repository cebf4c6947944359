"""Alarms of one stream, as a pure state machine: what was seen goes in, the alarms that stand come out.

Alarms about the person (asystole, a rate beyond its limits) stay raised until somebody acknowledges them; technical
ones (no signal, no heartbeat found, quality too low) vanish with their cause. A heart rate that is not known neither
starts nor ends an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from radarode.core.errors import InputError
from radarode.monitor.limits import Limits
from radarode.stream.types import Signal

Level = Literal["high", "medium", "technical"]
LEVELS: Mapping[str, Level] = {
    "asystole": "high",
    "low rate": "medium",
    "high rate": "medium",
    "no signal": "technical",
    "no heartbeat": "technical",
    "low quality": "technical",
}
"""Every alarm and its level, the most urgent first."""

UNSURE_S = 20.0
"""How long a heartbeat or its rate may be missing before a technical alarm says so."""

FORGET_S = 10.0
"""What was seen longer ago than this no longer counts as known."""

GRACE_S = 6.5
"""After a gap, beats cannot be drawn for this long: one window of 4 s and the delay of the drawn ECG."""

MAX_SILENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what one update says.

    Attributes:
        signal: what the stream sees.
        heart_rate_bpm: None where quality does not carry one.
        span_s: motion time that the update covers; 0 where nothing arrived.
        motion_s: how much of it is known.
        beat_age_s: how far the update's last drawn beat is behind the end of the drawn ECG; None without a beat.
    """

    signal: Signal
    heart_rate_bpm: float | None = None
    span_s: float = 0.0
    motion_s: float = 0.0
    beat_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Hold an alarm that stands.

    Attributes:
        name: one of `LEVELS`.
        text: for people.
        level: how urgent.
        since_s: for how long it has been raised.
        active: whether its cause holds now.
        silenced: whether it makes no sound for now.
    """

    name: str
    text: str
    level: Level
    since_s: float
    active: bool
    silenced: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold what is remembered of one alarm; times are on the caller's clock."""

    wrong_since_s: float | None = None
    known_s: float | None = None
    raised_s: float | None = None
    active: bool = False
    acknowledged: bool = False
    silenced_until_s: float = float("-inf")
    text: str = ""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """Hold what is remembered of a stream.

    Attributes:
        marks: by alarm.
        beatless_s: known motion since the last beat; negative while beats cannot be expected yet.
        heard: whether a heartbeat was there since the stream began.
    """

    marks: Mapping[str, Mark] = field(default_factory=lambda: {name: Mark() for name in LEVELS})
    beatless_s: float = -GRACE_S
    heard: bool = False


def step(state: AlarmState, now_s: float, seen: Seen, limits: Limits) -> tuple[AlarmState, tuple[Alarm, ...]]:
    """Take one update, or the time alone.

    Args:
        state: what was remembered.
        now_s: on a clock that never goes back; not the stream's time, which stands still without a signal.
        seen: what the update says.
        limits: when alarms are raised.

    Returns:
        The new state, and the alarms that stand, the most urgent first.

    Example:
        >>> state, limits = AlarmState(), Limits(delay_s=1.0)
        >>> for now_s in (0.0, 0.5, 1.0):
        ...     state, alarms = step(state, now_s, Seen("ok", 35.0, 0.5, 0.5, 0.2), limits)
        >>> [(alarm.name, alarm.level, alarm.text) for alarm in alarms]
        [('low rate', 'medium', 'heart rate 35 bpm, below 40')]
    """
    state = replace(
        state,
        beatless_s=_beatless_s(state.beatless_s, seen),
        heard=state.heard or seen.beat_age_s is not None,
    )
    marks = {name: _advance(state.marks[name], now_s, *_judge(name, state, seen, limits)) for name in LEVELS}
    marks = {name: _drop_unlatched(name, mark) for name, mark in marks.items()}
    state = replace(state, marks=marks)
    return state, standing(state, now_s)


def silence(state: AlarmState, now_s: float, for_s: float) -> AlarmState:
    """Acknowledge every alarm that stands, and silence those whose cause still holds; later ones sound again.

    Args:
        state: what was remembered.
        now_s: on the clock of `step`.
        for_s: for how long, at most `MAX_SILENCE_S`.

    Raises:
        InputError: so long a silence is not allowed.
    """
    if not 0 <= for_s <= MAX_SILENCE_S:
        raise InputError.of("for_s", f"between 0 and {MAX_SILENCE_S:g}", for_s)
    return replace(
        state,
        marks={
            name: replace(mark, acknowledged=True, silenced_until_s=now_s + for_s)
            if mark.raised_s is not None and mark.active
            else replace(mark, raised_s=None)
            for name, mark in state.marks.items()
        },
    )


def begin_anew(state: AlarmState) -> AlarmState:
    """Return the state behind a restart of the stream: alarms that stand stay, the heartbeat is looked for afresh."""
    marks = {name: replace(mark, wrong_since_s=None, active=False) for name, mark in state.marks.items()}
    return AlarmState({name: _drop_unlatched(name, mark) for name, mark in marks.items()})


def standing(state: AlarmState, now_s: float) -> tuple[Alarm, ...]:
    """Return the alarms that stand, the most urgent first."""
    return tuple(
        Alarm(name, mark.text, LEVELS[name], now_s - mark.raised_s, mark.active, now_s < mark.silenced_until_s)
        for name, mark in state.marks.items()
        if mark.raised_s is not None
    )


def _beatless_s(before_s: float, seen: Seen) -> float:
    if seen.signal in ("no signal", "warming up") or seen.motion_s < 0.5 * seen.span_s:
        return -GRACE_S
    if seen.beat_age_s is not None:
        return seen.beat_age_s
    return before_s + seen.motion_s


def _judge(name: str, state: AlarmState, seen: Seen, limits: Limits) -> tuple[bool | None, float, str]:
    """Return whether the cause holds (None: not known), how long it must, and the text."""
    moving, rate = seen.signal not in ("no signal", "warming up"), seen.heart_rate_bpm
    if name == "no signal":
        return seen.signal == "no signal", 0.0, "no signal: nothing arrives from the source"
    if name == "asystole":
        lost = state.heard and state.beatless_s >= limits.asystole_s
        text = f"no heartbeat for {max(0.0, state.beatless_s):.0f} s: asystole, or nobody before the sensor"
        return (lost if moving else None), 0.0, text
    if name == "no heartbeat":
        lacking = seen.signal == "no heartbeat" and not state.heard
        return lacking, UNSURE_S, "no heartbeat found yet: is somebody before the sensor?"
    if name == "low quality":
        text = "signal quality too low for a heart rate: its limits are not watched"
        return seen.signal == "ok" and rate is None, UNSURE_S, text
    if rate is None:
        return None, limits.delay_s, ""
    if name == "low rate":
        return rate < limits.low_bpm, limits.delay_s, f"heart rate {rate:.0f} bpm, below {limits.low_bpm:g}"
    return rate > limits.high_bpm, limits.delay_s, f"heart rate {rate:.0f} bpm, above {limits.high_bpm:g}"


def _advance(mark: Mark, now_s: float, wrong: bool | None, delay_s: float, text: str) -> Mark:
    if wrong is None:
        forgotten = mark.known_s is not None and now_s - mark.known_s > FORGET_S
        return replace(mark, wrong_since_s=None, active=False) if forgotten else mark
    if not wrong:
        return replace(mark, known_s=now_s, wrong_since_s=None, active=False)
    since_s = now_s if mark.wrong_since_s is None else mark.wrong_since_s
    if now_s - since_s < delay_s:
        return replace(mark, known_s=now_s, wrong_since_s=since_s)
    fresh = Mark() if mark.raised_s is None else mark
    raised_s = now_s if fresh.raised_s is None else fresh.raised_s
    return replace(fresh, known_s=now_s, wrong_since_s=since_s, raised_s=raised_s, active=True, text=text)


def _drop_unlatched(name: str, mark: Mark) -> Mark:
    """Lower an alarm whose cause is over, unless it waits to be acknowledged."""
    if mark.active or (LEVELS[name] != "technical" and not mark.acknowledged):
        return mark
    return replace(mark, raised_s=None)
