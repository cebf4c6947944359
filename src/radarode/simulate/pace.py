"""Heart rates that a simulation is told to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radarode.core.errors import InputError
from radarode.simulate.heart import Rhythm

Pace = Sequence[tuple[float, float | None]]
"""(from which second on, heart rate in bpm; 0 for standstill, None for the person's own), in order of time."""

BEYOND_S = 3.0
PACE_LIMITS_BPM = (25.0, 180.0)


def parse_pace(text: str | float) -> tuple[tuple[float, float | None], ...]:
    """Read a heart rate, or "SECONDS:BPM,SECONDS:BPM" for rates that change.

    Raises:
        InputError: it is neither.

    Example:
        >>> parse_pace("45"), parse_pace("0:70,60:40")
        (((0.0, 45.0),), ((0.0, 70.0), (60.0, 40.0)))
    """
    try:
        parts = [part.rpartition(":") for part in str(text).split(",")]
        pace = tuple((float(start or 0.0), float(rate)) for start, _, rate in parts)
    except ValueError:
        fix = "Give a rate such as 45, or SECONDS:BPM pairs such as 0:70,60:40"
        raise InputError.of("heart_bpm", "a heart rate or pairs", repr(text), fix) from None
    check_pace(pace)
    return pace


def check_pace(pace: Pace) -> None:
    """Raise `InputError` for rates or times that make no sense."""
    low, high = PACE_LIMITS_BPM
    if not all(rate is None or rate == 0 or low <= rate <= high for _, rate in pace):
        raise InputError.of("heart_bpm", f"0 for standstill, or between {low:g} and {high:g}", pace)
    starts = [start for start, _ in pace]
    if not all(np.isfinite(starts)) or starts != sorted(starts):
        raise InputError.of("heart_bpm", "given at increasing times", pace)


def paced(own: Rhythm, first: int, offset_s: float, until_s: float, pace: Pace) -> Rhythm:
    """Return beats with the intervals that a pace asks for; their variability stays.

    Args:
        own: the person's own beats.
        first: the first of them that is used.
        offset_s: added to their times, which then count from the start of the simulation.
        until_s: so far they are needed.
        pace: the rates.

    Returns:
        Beats from that one on until a little behind `until_s`; none at all where there are fewer than two.
    """
    interval_s, mean_s = np.diff(own.r_s[first:]), float(np.mean(np.diff(own.r_s)))
    at_s, number, beats, kinds = float(own.r_s[first]) + offset_s, 0, [], []
    while at_s < until_s + BEYOND_S:
        rate = next((bpm for start, bpm in reversed(pace) if start <= max(at_s, 0.0)), None)
        if rate == 0:
            at_s = next((start for start, bpm in pace if start > at_s and bpm != 0), np.inf)
            continue
        beats.append(at_s)
        kinds.append(own.kind[first + number % len(interval_s)])
        at_s += interval_s[number % len(interval_s)] * (1.0 if rate is None else 60.0 / rate / mean_s)
        number += 1
    beats, kinds = (beats, kinds) if len(beats) > 1 else ([], [])
    return Rhythm(np.array(beats, np.float64), np.array(kinds, int), own.irregular)
