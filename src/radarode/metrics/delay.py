"""Estimate the constant delay between two series of beats, and move a reconstruction by a delay.

Whoever uses these leaves the deployable column: a delay measured against the reference is a calibration when
it comes from the first 20 s and is then frozen, and an oracle when it comes from the whole recording.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.core.types import Beats, ReconstructedEcg
from radarode.metrics.beats import candidate_pairs, match_beats

FloatArray = NDArray[np.floating]

CALIBRATION_S = 20.0
"""Length of the stretch at the start of a recording from which its delay may be calibrated."""

SHORT_S = 3.0 * CALIBRATION_S
"""In recordings shorter than this the calibration stretch is so large a part that calibrated is close to oracle."""

MAX_DELAY_S = 0.4
"""Largest delay that is looked for, in either direction."""

_BIN_S = 0.05
_APART_S = 0.1
_FEWEST = 0.4
_COUNT_SLACK = 0.1
_SPREAD_FACTOR = 1.1
_SPREAD_SLACK_S = 0.0005


def estimate_delay(
    predicted_r_s: ArrayLike,
    reference_r_s: ArrayLike,
    until_s: float | None = CALIBRATION_S,
    max_delay_s: float = MAX_DELAY_S,
) -> float | None:
    """Estimate by how much the predicted beats are late, as one constant.

    All differences predicted - reference within `max_delay_s` are gathered; the 50-ms intervals that hold the
    most of them are candidates. For each the beats that match (150 ms) after its removal give the median
    difference and the mean absolute distance from it. Of the candidates with the most matches (at most one, or
    10 %, fewer) the one with the smallest spread wins: one beat off, the spread is that of the intervals
    themselves. Spreads within 10 % and 0.5 ms are ties, which go to the candidate nearest to 0.

    Limit: where the intervals vary less than the beats are placed (a regular pulse), delays one beat apart cannot
    be told from each other, and what lies beyond half an interval is then taken for a smaller one.

    Args:
        predicted_r_s: (beat,) seconds, increasing.
        reference_r_s: (beat,) seconds, increasing.
        until_s: use only beats up to here; None for all, which makes it an oracle.
        max_delay_s: largest delay looked for.

    Returns:
        Seconds, positive where the prediction is late; None where no two beats are near enough.

    Example:
        >>> estimate_delay([1.25, 2.25, 3.5], [1.0, 2.0, 3.25])
        0.25
    """
    predicted, reference = np.asarray(predicted_r_s, float), np.asarray(reference_r_s, float)
    if until_s is not None:
        predicted, reference = predicted[predicted <= until_s], reference[reference <= until_s]
    p, r = candidate_pairs(predicted, reference, max_delay_s)
    if len(p) == 0:
        return None
    candidates = _densest(np.sort(predicted[p] - reference[r]))
    count, spread_s, delay_s = np.array([_fit(predicted, reference, one) for one in candidates]).T
    slack = max(1.0, _COUNT_SLACK * count.max()) if count.max() > 2 else 0.0
    enough = count >= count.max() - slack
    alike = enough & (spread_s <= _SPREAD_FACTOR * spread_s[enough].min() + _SPREAD_SLACK_S)
    return float(min(delay_s[alike], key=abs))


def shift(ecg: ReconstructedEcg, delay_s: float) -> ReconstructedEcg:
    """Move curve, beats and gaps later by `delay_s` (earlier where it is negative).

    The curve is interpolated linearly between samples. What moves in from outside the recording is a gap,
    and what moves out of it is dropped. `calibrated` and `delay_s` are kept as they are.

    Args:
        ecg: the reconstruction.
        delay_s: seconds to move it by.

    Returns:
        A new reconstruction of the same length.
    """
    if delay_s == 0.0:
        return ecg
    curve = np.asarray(ecg.ecg, dtype=np.float64)
    n = len(curve)
    at = np.arange(n) - delay_s * ecg.fs_hz
    at = np.where(np.abs(at - np.round(at)) < 1e-6, np.round(at), at)
    moved = np.interp(at, np.arange(n), curve, left=np.nan, right=np.nan) if n else curve
    r_s = ecg.beats.r_s + delay_s
    keep = (r_s >= 0.0) & (r_s < ecg.duration_s)
    beats = Beats(r_s[keep], ecg.beats.length_s[keep], ecg.beats.quality[keep])
    edge = (0.0, delay_s) if delay_s > 0 else (ecg.duration_s + delay_s, ecg.duration_s)
    gaps = np.vstack([np.reshape(ecg.gaps_s, (-1, 2)) + delay_s, edge])
    return replace(ecg, ecg=moved.astype(ecg.ecg.dtype), beats=beats, gaps_s=_merge(np.clip(gaps, 0.0, ecg.duration_s)))


def calibrate(
    ecg: ReconstructedEcg, reference_r_s: ArrayLike, until_s: float | None = CALIBRATION_S
) -> ReconstructedEcg:
    """Remove the constant delay against the reference; see `estimate_delay` for what `until_s` means.

    Args:
        ecg: a reconstruction that is not calibrated.
        reference_r_s: (beat,) reference R peaks, seconds.
        until_s: stretch of the recording that may be used; None for all (oracle).

    Returns:
        The moved reconstruction, marked as calibrated, with the removed delay in `delay_s`; or `ecg` as it is,
        not marked, where no beat is near a reference beat and nothing could be measured.
    """
    delay_s = estimate_delay(ecg.beats.r_s, reference_r_s, until_s)
    if delay_s is None:
        return ecg
    return replace(shift(ecg, -delay_s), calibrated=True, delay_s=delay_s)


def uncalibrate(ecg: ReconstructedEcg) -> ReconstructedEcg:
    """Put a removed delay back, so that the deployable column never profits from a reference."""
    if not ecg.calibrated:
        return ecg
    return replace(shift(ecg, ecg.delay_s), calibrated=False, delay_s=0.0)


def _densest(differences_s: FloatArray) -> list[float]:
    """Return the medians of the fullest 50-ms intervals, at least 100 ms apart, the fullest first."""
    stop = np.searchsorted(differences_s, differences_s + _BIN_S, side="right")
    start = np.arange(len(differences_s))
    counts, ends = stop - start, start + stop
    middle = 0.5 * (differences_s[(ends - 1) // 2] + differences_s[ends // 2])
    chosen: list[float] = []
    for i in np.lexsort((np.abs(middle), -counts)):
        if counts[i] < _FEWEST * counts.max():
            break
        if all(abs(middle[i] - other) > _APART_S for other in chosen):
            chosen.append(float(middle[i]))
    return chosen


def _fit(predicted_r_s: FloatArray, reference_r_s: FloatArray, coarse_s: float) -> tuple[int, float, float]:
    """Return how many beats match after a delay, their mean absolute distance from their median, and that median."""
    pairs = match_beats(predicted_r_s - coarse_s, reference_r_s)
    differences = predicted_r_s[pairs.predicted] - reference_r_s[pairs.reference]
    delay_s = float(np.median(differences))
    return len(pairs), float(np.abs(differences - delay_s).mean()), delay_s


def _merge(gaps_s: FloatArray) -> FloatArray:
    merged: list[list[float]] = []
    for a, b in gaps_s[np.argsort(gaps_s[:, 0])]:
        if b <= a:
            continue
        if merged and a <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return np.array(merged, dtype=np.float64).reshape(-1, 2)
