"""The ECG for eyes: beats as soon as they are seen, each placed once, joined to what was drawn before.

What is drawn is never drawn again. A beat that was drawn keeps its place; a new one may not come closer to it than a
heart can beat. A cycle needs the next R peak; where that is not seen yet, it is expected one predicted length on. Where
the newer look differs from the older one, the curve changes over within `BLEND_S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import Beats
from radarode.reconstruction import rated_beats
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.stitch import MAX_INTERVAL, stitch
from radarode.reconstruction.windows import WindowOutputs

BLEND_S = 0.1
JOIN_S = 0.05
"""A beat that an older look saw just behind the end of what was drawn, and a newer look just before it, is drawn."""

KEEP_S = 12.0
_BLEND = round(BLEND_S * FS_HZ)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DrawState:
    """Hold what was drawn.

    Attributes:
        to: samples drawn so far.
        r_s, quality, length_s, cycle_s: (beat,) the latest drawn beats: place, quality, predicted length, and length
            of the cycle as drawn.
        ahead: (time,) what the last look saw behind the end, at most `BLEND_S`.
    """

    to: int
    r_s: FloatArray
    quality: FloatArray
    length_s: FloatArray
    cycle_s: FloatArray
    ahead: NDArray[np.float32]


def nothing_drawn() -> DrawState:
    """Return the state before anything was drawn."""
    none = np.empty(0)
    return DrawState(0, none, none, none, none, none.astype(np.float32))


def draw(
    state: DrawState,
    outputs: WindowOutputs,
    first: int,
    to: int,
    settings: ReconstructSettings,
    *,
    r_fraction: float,
) -> tuple[DrawState, NDArray[np.float32], Beats]:
    """Draw on, up to a sample.

    Args:
        state: what was drawn; it is not changed.
        outputs: of the windows so far, in time from sample `first`, reaching beyond `to`.
        first: number of the sample that `outputs` begins with.
        to: number of the sample behind the last one to draw.
        settings: how beats are chosen.
        r_fraction: place of R in its cycle.

    Returns:
        The new state, the new samples, and the beats whose R peak lies in them.
    """
    origin_s, size = first / FS_HZ, len(outputs.missing)
    train = _train(state, outputs, origin_s, settings)
    n_seen = len(train[0])
    laid = _with_expected(train, origin_s + size / FS_HZ)
    ecg = stitch(laid[0] - origin_s, laid[1], laid[2], outputs, r_fraction=r_fraction)
    values = _blend(state, np.asarray(ecg.ecg, dtype=np.float32), first)
    begin, stop = state.to - first, to - first
    new = np.full(to - state.to, np.nan, np.float32)
    new[max(0, -begin) :] = values[max(0, begin) : stop]
    found_s = ecg.beats.r_s + origin_s
    inside = (found_s >= state.to / FS_HZ) & (found_s < to / FS_HZ)
    beats = Beats(found_s[inside], ecg.beats.length_s[inside], ecg.beats.quality[inside])
    r_s, cycle_s, quality = (np.asarray(part, np.float64) for part in (beats.r_s, beats.length_s, beats.quality))
    mine = np.searchsorted(train[0], r_s - 1e-6).clip(0, max(0, n_seen - 1))
    kept = state.r_s > to / FS_HZ - KEEP_S
    state = DrawState(
        to,
        np.concatenate([state.r_s[kept], r_s]),
        np.concatenate([state.quality[kept], quality]),
        np.concatenate([state.length_s[kept], train[2][mine] if n_seen else np.empty(0)]),
        np.concatenate([state.cycle_s[kept], cycle_s]),
        values[stop : stop + _BLEND].copy(),
    )
    return state, new, beats


def _train(
    state: DrawState, outputs: WindowOutputs, origin_s: float, settings: ReconstructSettings
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return places, quality and predicted lengths of the drawn beats and of those seen behind them."""
    r_s, quality, length_s = rated_beats(outputs, settings) if len(outputs.start_s) else (np.empty(0),) * 3
    r_s, done_s = r_s + origin_s, state.to / FS_HZ
    latest_s = state.r_s[-1] if len(state.r_s) else -np.inf
    new = (r_s >= done_s - JOIN_S) & (r_s >= latest_s + settings.min_distance_s)
    moved = np.maximum(r_s[new], done_s)
    fresh = np.diff(moved, prepend=-np.inf) > 0
    old = state.r_s >= origin_s
    return (
        np.concatenate([state.r_s[old], moved[fresh]]),
        np.concatenate([state.quality[old], quality[new][fresh]]),
        np.concatenate([state.length_s[old], length_s[new][fresh]]),
    )


def _with_expected(
    train: tuple[FloatArray, FloatArray, FloatArray], seen_s: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Add the beat that is expected behind the last one, unless it is overdue."""
    r_s, quality, length_s = train
    if not len(r_s):
        return train
    expected_s = max(r_s[-1] + length_s[-1], seen_s)
    if expected_s - r_s[-1] > MAX_INTERVAL * length_s[-1]:
        return train
    return np.append(r_s, expected_s), np.append(quality, 0.0), np.append(length_s, length_s[-1])


def _blend(state: DrawState, values: NDArray[np.float32], first: int) -> NDArray[np.float32]:
    """Go over from what the last look saw to the newest, where both see something."""
    begin = state.to - first
    count = min(len(state.ahead), len(values) - begin)
    if begin < 0 or count <= 0:
        return values
    share = ((np.arange(count) + 1) / (_BLEND + 1)).astype(np.float32)
    old, new = state.ahead[:count], values[begin : begin + count]
    both = np.isfinite(old) & np.isfinite(new)
    values = values.copy()
    values[begin : begin + count] = np.where(both, (1 - share) * old + share * new, new)
    return values
