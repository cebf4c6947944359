"""What a stream sees now, in three values: the state of its signal, the quality of its beats, and the heart rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.stream.draw import DrawState
from radarode.stream.types import Signal

RECENT_S = 10.0
SILENT_S = 5.0
"""Time without a good beat after which there is no heartbeat."""

CONTIGUOUS = 1.6
"""An interval longer than so many predicted cycles misses a beat, and does not count."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """Hold the state of the signal, the quality in [0, 1], and the heart rate."""

    signal: Signal
    quality: float
    heart_rate_bpm: float | None


def vitals(drawn: DrawState, now_s: float, min_quality: float, *, quiet: bool, warming: bool) -> Vitals:
    """Judge the latest beats.

    Args:
        drawn: what was drawn.
        now_s: time of the newest motion.
        min_quality: below it no rate is given, and a beat is none.
        quiet: no motion arrives.
        warming: no window could be looked at lately.
    """
    recent = drawn.r_s > now_s - RECENT_S
    quality = float(np.mean(drawn.quality[recent])) if recent.any() else 0.0
    good = drawn.r_s[drawn.quality >= min_quality]
    behind_s = now_s - drawn.to / FS_HZ
    beating = bool(len(good)) and good[-1] > now_s - behind_s - SILENT_S
    if quiet:
        return Vitals("no signal", quality, None)
    if warming:
        return Vitals("warming up", quality, None)
    if not beating:
        return Vitals("no heartbeat", quality, None)
    intervals = np.diff(drawn.r_s[recent])
    counted = intervals[intervals <= CONTIGUOUS * drawn.length_s[recent][1:]]
    rate = 60.0 / float(np.mean(counted)) if len(counted) >= 2 and quality >= min_quality else None
    return Vitals("ok", quality, rate)


def last_movement(rcg: NDArray[np.float32], value: NDArray[np.float32]) -> tuple[int | None, NDArray[np.float32]]:
    """Return which sample moved last, None if none did, and the last known value of each channel.

    Args:
        rcg: (channel, time) NaN in gaps.
        value: (channel,) last known value before; NaN if there was none.
    """
    values = np.concatenate([value[:, None], rcg], axis=1)
    known = np.isfinite(values)
    place = np.maximum.accumulate(np.where(known, np.arange(values.shape[1]), 0), axis=1)
    held = np.take_along_axis(values, place, axis=1)
    moves = np.flatnonzero((known[:, 1:] & (held[:, 1:] != held[:, :-1])).any(axis=0))
    return (int(moves[-1]) if len(moves) else None), held[:, -1]
