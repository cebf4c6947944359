"""R peaks of a reference ECG."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as scipy_signal
from scipy.ndimage import median_filter

from radarode.core.errors import InputError
from radarode.core.vertex import parabola_offset
from radarode.signal.gaps import fill_gaps, find_gaps

SHORTEST_STRETCH_S = 2.0
"""Known stretches shorter than this are skipped: a detector cannot set its thresholds in them."""

BRIDGED_GAP_S = 0.05
"""Gaps up to this long are bridged by a straight line instead of splitting the record."""

REFRACTORY_S = 0.25
"""Two beats cannot be closer than this (240 per minute)."""

LOWEST_HEIGHT = 0.3
"""A peak lower than this part of the median height of the beats around it is noise."""

_NEIGHBOURS = 11
_SEARCH_S = 0.06


def detect_r_peaks(ecg: ArrayLike, fs_hz: float) -> NDArray[np.float64]:
    """Find the R peaks of an ECG of either polarity.

    SleepECG's detector finds the beats (where the QRS complexes point down it runs upside down too, and the more
    regular result counts); each is moved to the extremum of the baseline-free ECG near it, in the
    direction in which the record's QRS complexes are larger; implausibly low or close ones are dropped, and a
    parabola through the extremum's three samples gives a position between samples.

    Args:
        ecg: (time,) signal in any unit; NaN marks gaps.
        fs_hz: sampling rate.

    Returns:
        (beat,) times in seconds, increasing; empty where there is no beat.

    Raises:
        InputError: not one-dimensional, infinite values, or a rate outside 50 to 20000 Hz.

    Reference: Brunner, Hofer, "SleepECG: a Python package for sleep staging based on heart rate", JOSS 8(86), 2023.
    """
    signal = np.asarray(ecg, dtype=np.float64)
    if signal.ndim != 1:
        raise InputError.of("ecg", "one-dimensional", f"shape {signal.shape}")
    if not 50 <= fs_hz <= 20_000:
        raise InputError.of("fs_hz", "between 50 and 20000 Hz", fs_hz)
    filled, missing = fill_gaps(signal)
    for start, stop in find_gaps(missing):
        if stop - start <= BRIDGED_GAP_S * fs_hz and start > 0 and stop < len(signal):
            missing[start:stop] = False
    stretches = [(a, b) for a, b in find_gaps(~missing) if b - a >= SHORTEST_STRETCH_S * fs_hz]
    found = [_stretch_peaks(filled[a:b].astype(np.float64), fs_hz) + a / fs_hz for a, b in stretches]
    times = np.concatenate(found) if found else np.empty(0)
    return np.unique(times)


def _stretch_peaks(ecg: NDArray[np.float64], fs_hz: float) -> NDArray[np.float64]:
    if np.ptp(ecg) == 0:
        return np.empty(0)
    ecg = ecg - np.median(ecg)
    ecg = ecg / np.abs(ecg).max()
    sharp = _without_baseline(ecg, fs_hz)
    windows = _beat_windows(ecg, fs_hz)
    if not windows:
        return np.empty(0)
    up = np.median([sharp[a:b].max() for a, b in windows])
    down = np.median([-sharp[a:b].min() for a, b in windows])
    if down > up:
        sharp = -sharp
        windows = min(windows, _beat_windows(-ecg, fs_hz), key=_irregularity)
    peaks = np.unique([a + int(np.argmax(sharp[a:b])) for a, b in windows]).astype(np.int64)
    peaks = _plausible(peaks, sharp[peaks], REFRACTORY_S * fs_hz)
    return _between_samples(sharp, peaks) / fs_hz


def _beat_windows(ecg: NDArray[np.float64], fs_hz: float) -> list[tuple[int, int]]:
    """Return the sample range around each beat that the detector finds."""
    from sleepecg import detect_heartbeats  # pyright: ignore[reportPrivateImportUsage]  # slow to import, not always needed

    half = max(1, round(_SEARCH_S * fs_hz))
    beats = detect_heartbeats(ecg, fs_hz)
    return [(max(0, int(beat) - half), min(len(ecg), int(beat) + half + 1)) for beat in beats]


def _irregularity(windows: list[tuple[int, int]]) -> float:
    """Return the spread of the log intervals: a detector that also takes T waves alternates long and short."""
    intervals = np.diff([start for start, _ in windows])
    return float(np.std(np.log(np.maximum(intervals, 1)))) if len(intervals) > 1 else np.inf


def _plausible(peaks: NDArray[np.int64], height: NDArray[np.float64], refractory: float) -> NDArray[np.int64]:
    """Drop peaks far lower than their neighbourhood's, and the lower one of two that are too close."""
    if not len(peaks):
        return peaks
    typical = median_filter(height, size=min(len(height), _NEIGHBOURS), mode="mirror")
    keep = height > LOWEST_HEIGHT * typical
    peaks, height = peaks[keep], height[keep]
    kept: list[int] = []
    for number in range(len(peaks)):
        if kept and peaks[number] - peaks[kept[-1]] < refractory:
            if height[number] > height[kept[-1]]:
                kept[-1] = number
        else:
            kept.append(number)
    return peaks[kept]


def _without_baseline(ecg: NDArray[np.float64], fs_hz: float) -> NDArray[np.float64]:
    """Remove what is slower than a QRS complex, without moving its peak (zero phase)."""
    sos = scipy_signal.butter(2, 2.0, "highpass", fs=fs_hz, output="sos")
    return scipy_signal.sosfiltfilt(sos, ecg)


def _between_samples(x: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the apex of the parabola through each peak and its two neighbours, in samples."""
    inner = np.clip(peaks, 1, len(x) - 2)
    offset = parabola_offset(x[inner - 1], x[inner], x[inner + 1])
    return np.where(peaks == inner, inner + offset, peaks).astype(np.float64)
