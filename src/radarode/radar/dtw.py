"""Template matching by dynamic time warping: how well do a point's cycles agree after their timing is forgiven?

The published chain keeps voxels whose motion repeats with cycles of 100 to 200 samples at 200 Hz. Here the beat
period is known (tracked for all voxels together), so the signal is cut into cycles of that period, each warped onto
their average.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.signal.beat_period import Period

FloatArray = NDArray[np.float64]

SAMPLES = 40
BAND = 5
"""A cycle has 40 samples, of which the warping may shift any by up to 5 (an eighth of a beat)."""


def dtw_cost(one: NDArray[np.floating], other: NDArray[np.floating], band: int = BAND) -> FloatArray:
    """Return the least sum of squared differences over all monotone alignments within a band, for many pairs at once.

    D(i, j) = (a_i - b_j)^2 + min(D(i-1, j), D(i, j-1), D(i-1, j-1)), |i - j| <= band.

    Args:
        one: (..., sample).
        other: the same shape.
        band: largest |i - j|.

    Returns:
        (...).

    Example:
        >>> a = np.sin(np.linspace(0, 6, 40))
        >>> late = np.concatenate([a[:1], a[:-1]])
        >>> bool(dtw_cost(a, late) < 0.1 * ((a - late) ** 2).sum()), float(dtw_cost(a, a))
        (True, 0.0)
    """
    a, b = np.broadcast_arrays(np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64))
    n = a.shape[-1]
    width = 2 * band + 1
    previous = np.full((*a.shape[:-1], width + 2), np.inf)  # D(i-1, i-1-band .. i-1+band), infinite on both sides
    previous[..., band + 1] = 0.0
    for i in range(n):
        current = np.full_like(previous, np.inf)
        for k in range(max(0, band - i), min(width, band + n - i)):
            j = i + k - band
            if i == 0 and j == 0:
                best = np.zeros(a.shape[:-1])
            else:
                best = np.minimum(np.minimum(previous[..., k + 2], previous[..., k + 1]), current[..., k])
                if i == 0:
                    best = current[..., k]
            current[..., k + 1] = (a[..., i] - b[..., j]) ** 2 + best
        previous = current
    return previous[..., band + 1]


def cut_cycles(signals: NDArray[np.floating], fs_hz: float, period: Period) -> FloatArray:
    """Cut signals into consecutive cycles of the tracked period and bring each to `SAMPLES` samples.

    Args:
        signals: (point, time).
        fs_hz: their rate.
        period: the beat period.

    Returns:
        (point, cycle, SAMPLES).
    """
    duration_s, starts = signals.shape[1] / fs_hz, [0.0]
    while (after := starts[-1] + float(period.at(np.array([starts[-1]]))[0])) < duration_s:
        starts.append(after)
    edges = np.array(starts)
    at = edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(SAMPLES) + 0.5) / SAMPLES
    place = np.clip(at * fs_hz, 0, signals.shape[1] - 1.001)
    low = np.floor(place).astype(np.int64)
    part = place - low
    return (1 - part) * signals[:, low] + part * signals[:, low + 1]


def template_score(signals: NDArray[np.floating], fs_hz: float, period: Period) -> FloatArray:
    """Return (point,) how much of the cycles' variance their warped average explains: 1 all, about 0 none.

    Each cycle is compared with the average of the other cycles.

    Args:
        signals: (point, time) envelope or motion of points.
        fs_hz: their rate.
        period: the beat period.
    """
    cycles = cut_cycles(signals, fs_hz, period)
    cycles = cycles - cycles.mean(axis=2, keepdims=True)
    count = cycles.shape[1]
    if count < 3:
        return np.zeros(len(signals))
    others = (cycles.sum(axis=1, keepdims=True) - cycles) / (count - 1)
    explained = dtw_cost(cycles, others).sum(axis=1) / np.maximum((cycles**2).sum(axis=(1, 2)), 1e-30)
    nothing = dtw_cost(cycles, np.zeros_like(cycles)).sum(axis=1) / np.maximum((cycles**2).sum(axis=(1, 2)), 1e-30)
    return np.asarray(nothing - explained)
