"""Find Q, S and T peaks around known R peaks, alike on a reference and on a reconstruction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.core.vertex import parabola_offset
from radarode.metrics.beats import Matching
from radarode.metrics.shape import nanmedian

FloatArray = NDArray[np.floating]

WAVES = ("q", "s", "t")

_R_REACH_S = 0.05
_QRS_REACH_S = 0.1
_T_START_S = 0.12
_T_REACH = 0.6
_T_LATEST_S = 0.5
_SMOOTHING_S = 0.04


def delineate(ecg: ArrayLike, r_s: ArrayLike, fs_hz: float) -> Mapping[str, FloatArray]:
    """Find the Q, S and T peak of every beat as the local extremum in its search window.

    R is the maximum within 50 ms of the given time; Q and S are the minima within 100 ms before and after
    it; T is the maximum of the 40-ms moving average from 120 ms after R to 60 % of the interval to the next
    beat (at most 500 ms). An extremum at the edge of its window is no peak: that wave is NaN. Upright
    waves only (an inverted T is not found), and sample resolution refined by a parabola.

    Args:
        ecg: (time,) any unit, NaN in gaps.
        r_s: (beat,) R peaks, seconds, increasing.
        fs_hz: sampling rate.

    Returns:
        `q`, `s`, `t`: (beat,) seconds, NaN where there is none.
    """
    curve, beats = np.asarray(ecg, dtype=np.float64), np.asarray(r_s, dtype=np.float64)
    width = max(2 * round(_SMOOTHING_S * fs_hz / 2) + 1, 1)
    smooth = np.convolve(curve, np.full(width, 1.0 / width), mode="same") if curve.size >= width else curve
    found = {wave: np.full(len(beats), np.nan) for wave in WAVES}
    following = np.diff(beats, append=np.inf)
    for i, (at_s, next_s) in enumerate(zip(beats, following, strict=True)):
        peak_s = _extremum(curve, at_s - _R_REACH_S, at_s + _R_REACH_S, fs_hz)
        if np.isnan(peak_s):
            continue
        t_end_s = peak_s + min(_T_REACH * next_s, _T_LATEST_S)
        found["q"][i] = _extremum(-curve, peak_s - _QRS_REACH_S, peak_s, fs_hz)
        found["s"][i] = _extremum(-curve, peak_s, peak_s + _QRS_REACH_S, fs_hz)
        found["t"][i] = _extremum(smooth, peak_s + _T_START_S, t_end_s, fs_hz)
    return found


def wave_differences_ms(
    predicted: Mapping[str, FloatArray], reference: Mapping[str, FloatArray], matching: Matching
) -> Mapping[str, FloatArray]:
    """Return predicted minus reference time of the Q, S and T peaks of every matched beat.

    Args:
        predicted: `delineate` of the reconstruction at its own beats.
        reference: `delineate` of the reference at its own beats.
        matching: which beat is which.

    Returns:
        `q`, `s`, `t`: (pair,) milliseconds, NaN where the beat lacks that wave on either side.
    """
    return {
        wave: 1000.0 * (predicted[wave][matching.predicted] - reference[wave][matching.reference]) for wave in WAVES
    }


def wave_errors_ms(
    predicted: Mapping[str, FloatArray], reference: Mapping[str, FloatArray], matching: Matching
) -> Mapping[str, float]:
    """Compute the median absolute timing error of the Q, S and T peaks over matched beats.

    Args:
        predicted: `delineate` of the reconstruction at its own beats.
        reference: `delineate` of the reference at its own beats.
        matching: which beat is which.

    Returns:
        `q_error_ms`, `s_error_ms`, `t_error_ms`; NaN where no matched beat has that wave in both.
    """
    differences = wave_differences_ms(predicted, reference, matching)
    return {f"{wave}_error_ms": nanmedian(np.abs(values)) for wave, values in differences.items()}


def _extremum(curve: FloatArray, start_s: float, stop_s: float, fs_hz: float) -> float:
    """Return the time of the largest sample strictly inside the range, NaN where there is none."""
    start, stop = int(np.ceil(start_s * fs_hz - 1e-6)), int(np.floor(stop_s * fs_hz + 1e-6)) + 1
    if start < 0 or stop > len(curve) or stop - start < 3:
        return float("nan")
    window = curve[start:stop]
    if not np.isfinite(window).all():
        return float("nan")
    k = int(np.argmax(window))
    if k in (0, len(window) - 1):
        return float("nan")
    return (start + k + float(parabola_offset(*window[k - 1 : k + 2]))) / fs_hz
