"""From an ECG curve, as networks that answer with a waveform give it, to beats, cycles and gaps.

The curve's QRS complexes are found as sharp peaks of a nominal height, chosen by their rhythm like anchors are, and
each cycle is scaled to [0, 1]. A network that does not know answers with a low, smooth curve: it has no sharp peaks, so
it gives no beats, and time without beats is a gap.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.signal import butter, find_peaks, sosfiltfilt

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import Beats, ReconstructedEcg
from radarode.core.vertex import parabola_offset
from radarode.reconstruction.rhythm import FULL_HEIGHT, beat_quality, choose_beats, stretch_quality
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.gaps import fill_gaps, find_gaps
from radarode.tasks.cycles import Cycles, cut_cycles

FloatArray = NDArray[np.floating]

QRS_BAND_HZ = (4.0, 30.0)
"""What is left of a curve between these is R peaks rather than T waves and baseline."""

FULL_SHARPNESS = 0.5
"""Height of an R peak in that band, of a curve in [0, 1], from which it is as clear as can be."""

NEIGHBOURHOOD_S = 2.5
LEAST_SHARE = 0.4
"""A peak lower than this share of the highest one within `NEIGHBOURHOOD_S` is a T wave or a ripple."""

SEARCH_S = 0.06
"""The R peak is the curve's highest sample so close to the sharp peak."""

MAX_INTERVAL = 1.75
TYPICAL_LENGTH_S = 0.85
LENGTH_LIMITS_S = (0.3, 2.0)
_MOST_NEIGHBOURS = 9
_SHORTEST = 40


def from_curve(
    curve: FloatArray,
    missing: NDArray[np.bool_],
    *,
    min_distance_s: float = 0.3,
    length_s: FloatArray | None = None,
    support: FloatArray | None = None,
    full_height: float = FULL_SHARPNESS,
    settings: ReconstructSettings | None = None,
) -> ReconstructedEcg:
    """Turn an ECG curve into a long-term ECG: find its R peaks, scale its cycles, leave the rest as gaps.

    Args:
        curve: (time,) at 200 Hz, nominally in [0, 1] with R near 1; its offset does not matter, its scale does, since
            a flat curve says that there is no beat. NaN where there is none.
        missing: (time,) where no motion is, so that nothing may be placed there.
        min_distance_s: closest two beats can be.
        length_s: (time,) expected cycle length, if known from elsewhere; `None` takes it from the curve's own peaks.
        support: (time,) in [0, 1], how much else speaks for beats there: it lowers their quality, and drops those
            that have little of it.
        full_height: `sharpness` from which an R peak is as clear as can be: lower for a network that was trained to
            the least squared error, which smooths what it cannot place exactly.
        settings: `rhythm_weight`, `rhythm_tolerance`, `threshold`, `min_quality` count; `None` takes the defaults.

    Returns:
        The ECG, in [0, 1] in every cycle, NaN outside; beats with the length of their cycle and a quality in [0, 1]
        that rates height, agreement of the interval with the expected length, and the stretch around.

    Raises:
        InputError: the arrays are not one-dimensional and equally long.
    """
    values, absent = _checked(curve, missing)
    chosen = settings or ReconstructSettings()
    times_s, heights = _candidates(values, absent, min_distance_s)
    heights = heights * (FULL_HEIGHT / full_height)
    if support is not None:
        heights = np.minimum(heights, FULL_HEIGHT) * _at(support, times_s)
    expected = _own_length(times_s, heights) if length_s is None else _at(length_s, times_s)
    keep = choose_beats(times_s, heights, expected, _with_distance(chosen, min_distance_s))
    times_s, heights, expected = times_s[keep], heights[keep], expected[keep]
    stretch = stretch_quality(times_s, heights, expected, absent)
    quality = stretch * beat_quality(times_s, heights, expected)
    good = stretch >= chosen.min_quality
    return _lay_cycles(values, absent, times_s[good], expected[good], quality[good])


def sharpness(curve: FloatArray) -> NDArray[np.float64]:
    """Return the QRS band of a curve, in which an R peak of a curve in [0, 1] is about 0.6 high, without a delay.

    Args:
        curve: (time,) finite, at 200 Hz.
    """
    if len(curve) < _SHORTEST:
        return np.zeros(len(curve))
    sos = butter(2, QRS_BAND_HZ, "bandpass", fs=FS_HZ, output="sos")
    return sosfiltfilt(sos, np.asarray(curve, dtype=np.float64))


def _checked(curve: FloatArray, missing: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, absent = np.asarray(curve, dtype=np.float64), np.asarray(missing, dtype=bool)
    if values.ndim != 1 or values.shape != absent.shape:
        raise InputError.of("curve", f"(time,), as long as `missing` {absent.shape}", f"shape {values.shape}")
    absent = absent | ~np.isfinite(values)
    return np.where(absent, np.nan, values), absent


def _candidates(
    values: NDArray[np.float64], absent: NDArray[np.bool_], min_distance_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and sharpness of what may be R peaks."""
    filled, _ = fill_gaps(values)
    sharp = sharpness(filled)
    found, _ = find_peaks(sharp, distance=max(1, round(0.5 * min_distance_s * FS_HZ)))
    highest = maximum_filter1d(np.where(absent, 0.0, sharp), round(2 * NEIGHBOURHOOD_S * FS_HZ) + 1)
    found = found[(sharp[found] > 0) & (sharp[found] >= LEAST_SHARE * highest[found]) & ~absent[found]]
    places = np.array([_top(filled, absent, int(peak)) for peak in found], dtype=np.float64)
    times_s, first = np.unique(places / FS_HZ, return_index=True)
    return times_s, sharp[found][first]


def _top(values: FloatArray, absent: NDArray[np.bool_], peak: int) -> float:
    """Return the place of the curve's highest sample near a sharp peak, in samples, refined by a parabola."""
    half = round(SEARCH_S * FS_HZ)
    first = max(0, peak - half)
    near = np.where(absent[first : peak + half + 1], -np.inf, values[first : peak + half + 1])
    top = first + int(np.argmax(near))
    if not 0 < top < len(values) - 1 or values[top] < max(values[top - 1], values[top + 1]):
        return float(peak)
    return top + float(parabola_offset(*values[top - 1 : top + 2]))


def _own_length(times_s: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (candidate,) running median of the intervals between the higher candidates."""
    if len(times_s) < 3:
        return np.full(len(times_s), TYPICAL_LENGTH_S)
    strong = times_s[heights >= 0.6 * median_filter(heights, size=min(len(heights), 15), mode="nearest")]
    intervals = np.diff(strong)
    plausible = (intervals >= LENGTH_LIMITS_S[0]) & (intervals <= LENGTH_LIMITS_S[1])
    if not plausible.any():
        return np.full(len(times_s), TYPICAL_LENGTH_S)
    middle = (0.5 * (strong[1:] + strong[:-1]))[plausible]
    intervals = intervals[plausible]
    smooth = median_filter(intervals, size=min(len(intervals), _MOST_NEIGHBOURS), mode="nearest")
    return np.interp(times_s, middle, smooth)


def _at(length_s: FloatArray, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    samples = np.rint(times_s * FS_HZ).astype(np.int64)
    return np.asarray(length_s, dtype=np.float64)[samples.clip(0, max(0, len(length_s) - 1))]


def _with_distance(settings: ReconstructSettings, min_distance_s: float) -> ReconstructSettings:
    return replace(settings, min_distance_s=min_distance_s)


def _lay_cycles(
    values: NDArray[np.float64],
    absent: NDArray[np.bool_],
    r_s: NDArray[np.float64],
    length_s: NDArray[np.float64],
    quality: NDArray[np.float64],
) -> ReconstructedEcg:
    """Scale the curve to [0, 1] within every cycle; what no cycle covers is a gap."""
    cycles = cut_cycles(r_s, max_interval_s=MAX_INTERVAL * 0.5 * (length_s[1:] + length_s[:-1]))
    owner = np.where(absent, -1, cycles.containing(np.arange(len(values)) / FS_HZ))
    low, span = _ranges(values, owner, cycles)
    kept = cycles.valid & (span > 0) if len(cycles) else np.empty(0, dtype=bool)
    inside = (owner >= 0) & (kept[owner] if len(cycles) else False)
    ecg = np.full(len(values), np.nan, dtype=np.float32)
    ecg[inside] = (values[inside] - low[owner[inside]]) / span[owner[inside]]
    beats = Beats(cycles.r_s[kept], cycles.length_s[kept], quality[kept] if len(cycles) else np.empty(0))
    return ReconstructedEcg(ecg=ecg, fs_hz=FS_HZ, beats=beats, gaps_s=find_gaps(np.isnan(ecg)) / FS_HZ)


def _ranges(
    values: NDArray[np.float64], owner: NDArray[np.int64], cycles: Cycles
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (cycle,) lowest value and range of the samples that each cycle owns."""
    low, high = np.full(len(cycles), np.inf), np.full(len(cycles), -np.inf)
    mine = owner >= 0
    np.minimum.at(low, owner[mine], values[mine])
    np.maximum.at(high, owner[mine], values[mine])
    return low, np.where(high > low, high - low, 0.0)
