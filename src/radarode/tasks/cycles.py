"""Cut a train of R peaks into cycles: where each heartbeat starts, peaks and ends.

Cycle i runs from `R_i - f RR_(i-1)` to `R_i + (1-f) RR_i`, with f the place of the R peak in the cycle. So cycles
tile the time axis without overlap, each holds one R peak, and in a regular rhythm the length equals the
R-to-R interval. The published code takes NeuroKit2's segment starts, which put R at a place that depends on the
mean heart rate of the whole recording; ours depends on the two neighbouring intervals only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import R_FRACTION

FloatArray = NDArray[np.float64]

MAX_INTERVAL_S = 2.0
"""Longer intervals (under 30 bpm) are taken for missing beats: no cycle spans them."""

MIN_INTERVAL_S = 0.25
"""Shorter intervals (over 240 bpm) are taken for double detections."""


@dataclass(frozen=True, slots=True, eq=False)
class Cycles:
    """Hold the cycles of a beat train; all arrays are (cycle,) and in seconds.

    Attributes:
        start_s: start of each cycle.
        r_s: its R peak.
        end_s: its end, which is the next cycle's start where the beats are contiguous.
        valid: whether both intervals beside the R peak are plausible for one heartbeat.
    """

    start_s: FloatArray
    r_s: FloatArray
    end_s: FloatArray
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.r_s)

    @property
    def length_s(self) -> FloatArray:
        """Length of each cycle in seconds."""
        return self.end_s - self.start_s

    def containing(self, times_s: FloatArray) -> NDArray[np.int64]:
        """Return the index of the valid cycle that contains each time, or -1.

        Args:
            times_s: (time,) seconds.
        """
        times = np.asarray(times_s, dtype=np.float64)
        if len(self) == 0:
            return np.full(times.shape, -1, dtype=np.int64)
        index = np.clip(np.searchsorted(self.start_s, times, side="right") - 1, 0, len(self) - 1)
        inside = (times >= self.start_s[index]) & (times < self.end_s[index]) & self.valid[index]
        return np.where(inside, index, -1)


def cut_cycles(
    r_s: FloatArray,
    *,
    r_fraction: float = R_FRACTION,
    max_interval_s: float | FloatArray = MAX_INTERVAL_S,
) -> Cycles:
    """Cut R peaks into cycles; the first and last use their only neighbour's interval on both sides.

    Beside an interval longer than `max_interval_s`, the other neighbour's interval is used, so that the beats at
    the edge of a gap keep their cycles. Two peaks closer than `MIN_INTERVAL_S` have none: one of them is wrong, and it
    is not known which.

    Args:
        r_s: (beat,) R peaks in seconds, increasing.
        r_fraction: place of R in its cycle.
        max_interval_s: longest R-to-R interval that one cycle may have, or (beat - 1,) one limit per interval.

    Example:
        >>> cycles = cut_cycles(np.array([1.0, 2.0, 3.0]), r_fraction=0.4)
        >>> cycles.start_s.tolist(), cycles.end_s.tolist()
        ([0.6, 1.6, 2.6], [1.6, 2.6, 3.6])
    """
    r = np.asarray(r_s, dtype=np.float64)
    if len(r) < 2:
        empty = np.empty(0)
        return Cycles(empty, empty, empty, np.empty(0, dtype=bool))
    intervals = np.diff(r)
    plausible = (intervals <= max_interval_s) & (intervals >= MIN_INTERVAL_S)
    before = np.concatenate([[np.nan], np.where(plausible, intervals, np.nan)])
    after = np.concatenate([np.where(plausible, intervals, np.nan), [np.nan]])
    before_filled = np.where(np.isnan(before), after, before)
    after_filled = np.where(np.isnan(after), before, after)
    close = intervals < MIN_INTERVAL_S
    double = np.concatenate([[False], close]) | np.concatenate([close, [False]])
    valid = ~np.isnan(before_filled) & ~double
    before_filled = np.where(valid, before_filled, 0.0)
    after_filled = np.where(valid, after_filled, 0.0)
    return Cycles(r - r_fraction * before_filled, r, r + (1.0 - r_fraction) * after_filled, valid)
