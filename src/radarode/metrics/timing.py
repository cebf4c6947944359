"""Score when beats come: R timing, peak-to-peak intervals (PPI) and heart rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.metrics.beats import Matching

FloatArray = NDArray[np.floating]

RATE_WINDOW_S = 10.0
"""Length of the windows in which heart rates are compared, in seconds."""

LONGEST_INTERVAL_S = 2.5
"""Longer intervals are gaps, not heartbeats (24 bpm): neither compared nor part of a heart rate."""


def r_differences_s(predicted_r_s: ArrayLike, reference_r_s: ArrayLike, matching: Matching) -> FloatArray:
    """Return predicted minus reference time of every matched beat, (pair,) seconds."""
    return np.asarray(predicted_r_s, float)[matching.predicted] - np.asarray(reference_r_s, float)[matching.reference]


def r_timing_error_ms(predicted_r_s: ArrayLike, reference_r_s: ArrayLike, matching: Matching) -> float:
    """Compute the median absolute timing error of the matched R peaks.

    Args:
        predicted_r_s: (beat,) seconds.
        reference_r_s: (beat,) seconds.
        matching: result of `match_beats` on the two.

    Returns:
        Milliseconds; NaN without a matched beat.
    """
    return 1000.0 * median_abs(r_differences_s(predicted_r_s, reference_r_s, matching))


def matched_intervals_s(
    predicted_r_s: ArrayLike, reference_r_s: ArrayLike, matching: Matching
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the intervals between beats that follow each other directly in both series.

    An interval next to a missed or a false beat has no partner and is left out; MDR and precision count it. So is
    one longer than `LONGEST_INTERVAL_S`: beats on either side of a gap are no interval.

    Args:
        predicted_r_s: (beat,) seconds.
        reference_r_s: (beat,) seconds.
        matching: result of `match_beats` on the two.

    Returns:
        Predicted intervals, reference intervals, and the reference time at which each interval ends, all
        (interval,) seconds.
    """
    predicted, reference = np.asarray(predicted_r_s, float), np.asarray(reference_r_s, float)
    p, r = matching.predicted, matching.reference
    if len(p) < 2:
        return np.empty(0), np.empty(0), np.empty(0)
    both = (np.diff(p) == 1) & (np.diff(r) == 1) & (np.diff(reference[r]) <= LONGEST_INTERVAL_S)
    ends_p, ends_r = p[1:][both], r[1:][both]
    return (
        predicted[ends_p] - predicted[ends_p - 1],
        reference[ends_r] - reference[ends_r - 1],
        reference[ends_r],
    )


def ppi_error_ms(predicted_r_s: ArrayLike, reference_r_s: ArrayLike, matching: Matching) -> float:
    """Compute the median absolute error of the peak-to-peak intervals.

    Taken between beats that are consecutive in both series, so a perfect prediction scores 0 (the published
    metric compares quantised class indices and gives 10 ms) and a constant delay does not matter.

    Args:
        predicted_r_s: (beat,) seconds.
        reference_r_s: (beat,) seconds.
        matching: result of `match_beats` on the two.

    Returns:
        Milliseconds; NaN without a shared interval.
    """
    predicted, reference, _ = matched_intervals_s(predicted_r_s, reference_r_s, matching)
    return 1000.0 * median_abs(predicted - reference)


def heart_rates_bpm(r_s: ArrayLike, duration_s: float, window_s: float = RATE_WINDOW_S) -> FloatArray:
    """Compute the heart rate in consecutive windows, 60 / (mean interval between the beats in it).

    Args:
        r_s: (beat,) seconds, increasing.
        duration_s: length of the recording; the last window may be shorter.
        window_s: length of a window.

    Returns:
        (window,) bpm, NaN where a window holds no interval of at most `LONGEST_INTERVAL_S`.

    Example:
        >>> heart_rates_bpm([1.0, 2.0, 3.0, 11.0, 11.5], 20.0).tolist()
        [60.0, 120.0]
    """
    beats = np.asarray(r_s, dtype=np.float64)
    n_windows = max(int(np.ceil(duration_s / window_s - 1e-9)), 0)
    if len(beats) < 2 or n_windows == 0:
        return np.full(n_windows, np.nan)
    window = np.floor(beats / window_s).astype(int)
    intervals = np.diff(beats)
    usable = (
        (window[1:] == window[:-1]) & (window[1:] < n_windows) & (window[1:] >= 0) & (intervals <= LONGEST_INTERVAL_S)
    )
    total = np.bincount(window[1:][usable], weights=intervals[usable], minlength=n_windows)
    count = np.bincount(window[1:][usable], minlength=n_windows)
    return np.where(count > 0, 60.0 * count / np.where(total > 0, total, 1.0), np.nan)


def heart_rate_error_bpm(predicted_r_s: ArrayLike, reference_r_s: ArrayLike, duration_s: float) -> float:
    """Compute the median absolute difference of the heart rates in 10-s windows.

    Windows in which either side has no rate (a gap) are left out.

    Args:
        predicted_r_s: (beat,) seconds, increasing.
        reference_r_s: (beat,) seconds, increasing.
        duration_s: length of the recording.

    Returns:
        Beats per minute; NaN without a shared window.
    """
    return median_abs(heart_rate_differences_bpm(predicted_r_s, reference_r_s, duration_s))


def heart_rate_differences_bpm(predicted_r_s: ArrayLike, reference_r_s: ArrayLike, duration_s: float) -> FloatArray:
    """Return predicted minus reference heart rate of every 10-s window in which both sides have one, (window,) bpm."""
    difference = heart_rates_bpm(predicted_r_s, duration_s) - heart_rates_bpm(reference_r_s, duration_s)
    return difference[np.isfinite(difference)]


def median_abs(values: ArrayLike) -> float:
    """Return the median absolute value, NaN for an empty array."""
    array = np.abs(np.asarray(values, dtype=np.float64))
    return float(np.median(array)) if array.size else float("nan")
