"""Choose the beats: anchors say where a beat may be, the cycle length says how far apart beats are.

Among all candidate peaks, the train with the highest total of (height - threshold) minus a cost for each
interval that contradicts the predicted cycle length is found by dynamic programming. The cost is bounded, so a clear
premature beat or a pause costs no more than two contradictions and stays. The published rule (threshold, minimum
distance) uses the anchors alone.

Reference: the dynamic programme is that of Ellis, "Beat tracking by dynamic programming", J. New Music Research 36(1),
2007, with a bounded cost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.reconstruction.settings import ReconstructSettings

FloatArray = NDArray[np.float64]

FULL_HEIGHT = 0.6
"""Height of the merged map from which an anchor is as clear as can be: the timing left open lowers every peak."""

STRETCH_S = 4.0
"""Half length of the stretch that a beat is judged within."""

LOOK_BACK = 8
"""Candidates that may precede a beat; farther ones are reached over the best train so far."""


def choose_beats(
    times_s: FloatArray, heights: FloatArray, length_s: FloatArray, settings: ReconstructSettings
) -> NDArray[np.int64]:
    """Choose the most plausible train of beats among candidates.

    Args:
        times_s: (candidate,) increasing.
        heights: (candidate,) value of the merged anchor map.
        length_s: (candidate,) predicted cycle length there.
        settings: threshold, weights and tolerance.

    Returns:
        Indices of the chosen candidates, increasing.
    """
    n = len(times_s)
    total = np.zeros(n)
    previous = np.full(n, -1, dtype=np.int64)
    best_end = np.full(n, -1, dtype=np.int64)
    for k in range(n):
        gain = heights[k] - settings.threshold
        first = max(0, k - LOOK_BACK)
        interval = times_s[k] - times_s[first:k]
        mean_length = 0.5 * (length_s[k] + length_s[first:k])
        cost = interval_cost(interval, mean_length, settings)
        scores = np.where(interval >= settings.min_distance_s, total[first:k] - cost, -np.inf)
        choice, score = (first + int(scores.argmax()), scores.max()) if k > first else (-1, -np.inf)
        distant = best_end[first - 1] if first > 0 else -1
        if distant >= 0 and total[distant] - settings.rhythm_weight > score:
            choice, score = int(distant), total[distant] - settings.rhythm_weight
        if score < 0.0:
            choice, score = -1, 0.0
        total[k], previous[k] = gain + score, choice
        best_end[k] = k if k == 0 or total[k] > total[best_end[k - 1]] else best_end[k - 1]
    return _trace(previous, int(best_end[-1])) if n else np.empty(0, dtype=np.int64)


def interval_cost(interval_s: FloatArray, length_s: FloatArray, settings: ReconstructSettings) -> FloatArray:
    """Return the bounded cost of intervals that differ from the predicted cycle length."""
    deviation = np.log(np.maximum(interval_s, 1e-3) / length_s) / settings.rhythm_tolerance
    return settings.rhythm_weight * np.minimum(deviation**2, 1.0)


def _trace(previous: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    chosen = []
    while last >= 0:
        chosen.append(last)
        last = int(previous[last])
    return np.array(chosen[::-1], dtype=np.int64)


def beat_quality(times_s: FloatArray, heights: FloatArray, length_s: FloatArray) -> FloatArray:
    """Rate each beat in [0, 1]: is its anchor high, and do the anchors agree with the cycle length?

    The index is the geometric mean of the anchor's height (full marks from `FULL_HEIGHT`) and the agreement
    `exp(-(d / 0.15)^2 / 2)` of the better of the two neighbouring intervals with the predicted length, d being their
    relative difference. A premature beat is rated low, and stays.

    Args:
        times_s: (beat,) R peaks.
        heights: (beat,) merged anchor map there.
        length_s: (beat,) predicted cycle length there.
    """
    if len(times_s) == 0:
        return np.empty(0)
    intervals = np.concatenate([[np.inf], np.diff(times_s), [np.inf]])
    difference = np.minimum(np.abs(intervals[:-1] - length_s), np.abs(intervals[1:] - length_s)) / length_s
    agreement = np.exp(-0.5 * (difference / 0.15) ** 2)
    return np.sqrt(np.clip(heights / FULL_HEIGHT, 0.0, 1.0) * agreement)


def stretch_quality(
    times_s: FloatArray, heights: FloatArray, length_s: FloatArray, missing: NDArray[np.bool_]
) -> FloatArray:
    """Rate the stretch that each beat stands in: the anchors within 4 s against as many full ones as are expected.

    Noise now and then looks like a heartbeat, but not clearly and once per predicted cycle for eight seconds.
    Arrhythmia does not count against a stretch, and time without motion is not expected to hold beats.

    Args:
        times_s: (beat,) R peaks.
        heights: (beat,) merged anchor map there.
        length_s: (beat,) predicted cycle length there.
        missing: (time,) at 200 Hz, where no channel carries motion.

    Returns:
        (beat,) in [0, 1].
    """
    heard_s = np.concatenate([[0.0], np.cumsum(~missing)]) / FS_HZ
    summed = np.concatenate([[0.0], np.cumsum(np.clip(heights / FULL_HEIGHT, 0.0, 1.0))])

    def until(at_s: FloatArray) -> FloatArray:
        return heard_s[np.clip(np.rint(at_s * FS_HZ).astype(np.int64), 0, len(missing))]

    first, last = times_s - STRETCH_S, times_s + STRETCH_S
    expected = (until(last) - until(first)) / length_s
    found = summed[np.searchsorted(times_s, last)] - summed[np.searchsorted(times_s, first)]
    return np.clip(found / np.maximum(expected, 1.0), 0.0, 1.0)
