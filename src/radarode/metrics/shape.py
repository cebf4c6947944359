"""Score the shape of a curve: PCC and RMSE per reference cycle and over a whole recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.core.constants import R_FRACTION
from radarode.metrics.timing import LONGEST_INTERVAL_S

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.intp]

_FLAT = 1e-9


def cycle_spans(reference_r_s: ArrayLike, fs_hz: float, n_samples: int, r_fraction: float = R_FRACTION) -> IntArray:
    """Return the sample range of every whole cycle of the reference.

    Cycle i spans R_i - f RR_(i-1) to R_i + (1 - f) RR_i with f = `r_fraction` and RR_i = R_(i+1) - R_i, so
    cycles tile the recording. The first and the last beat lack one interval and are left out, and so are
    beats beside an interval longer than `LONGEST_INTERVAL_S` (a gap of the reference).

    Args:
        reference_r_s: (beat,) seconds, increasing.
        fs_hz: sampling rate of the curves.
        n_samples: their length; cycles that reach beyond it are left out.
        r_fraction: place of the R peak in its cycle.

    Returns:
        (cycle, 2) first sample and sample after the last.
    """
    r_s = np.asarray(reference_r_s, dtype=np.float64)
    if len(r_s) < 3:
        return np.empty((0, 2), dtype=np.intp)
    rr = np.diff(r_s)
    spans_s = np.column_stack([r_s[1:-1] - r_fraction * rr[:-1], r_s[1:-1] + (1.0 - r_fraction) * rr[1:]])
    spans = np.round(spans_s * fs_hz).astype(np.intp)
    near = np.maximum(rr[:-1], rr[1:]) <= LONGEST_INTERVAL_S
    inside = (spans[:, 0] >= 0) & (spans[:, 1] <= n_samples) & (spans[:, 1] - spans[:, 0] >= 3)
    return spans[near & inside]


def cycle_scores(predicted: ArrayLike, reference_mv: ArrayLike, spans: IntArray) -> tuple[FloatArray, FloatArray]:
    """Compute PCC and RMSE of every reference cycle.

    Both curves are min-max scaled within the cycle; RMSE_mV = RMSE of the scaled curves x range of the
    reference. Predicted samples that are missing count as zero, so a cycle in a gap has PCC 0 and the
    RMSE of a flat line, which a late or wrong curve can exceed: read RMSE beside coverage.

    Args:
        predicted: (time,) any unit, NaN in gaps.
        reference_mv: (time,) mV, NaN where missing.
        spans: (cycle, 2) from `cycle_spans`.

    Returns:
        PCC (cycle,) and RMSE in mV (cycle,), NaN where the reference is flat or incomplete.
    """
    curve, reference = np.asarray(predicted, float), np.asarray(reference_mv, float)
    scores = np.array([_score(curve[a:b], reference[a:b]) for a, b in spans]).reshape(-1, 2)
    return scores[:, 0], scores[:, 1]


def longterm_scores(predicted: ArrayLike, reference_mv: ArrayLike) -> tuple[float, float]:
    """Compute PCC and RMSE over the whole recording, gaps of the prediction counted as zero.

    Scaled like one long cycle; samples where the reference is missing are left out. The reference is taken
    as it is, its baseline wander included.

    Args:
        predicted: (time,) any unit, NaN in gaps.
        reference_mv: (time,) mV, NaN where missing.

    Returns:
        PCC and RMSE in mV; NaN where the reference is flat or missing.
    """
    curve, reference = np.asarray(predicted, float), np.asarray(reference_mv, float)
    known = np.isfinite(reference)
    return _score(curve[known], reference[known])


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Compute the Pearson correlation; 0 where `x` is flat, NaN where `y`, the reference, is.

    Example:
        >>> pearson([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
        1.0
    """
    a, b = np.asarray(x, float), np.asarray(y, float)
    if a.size < 2 or np.ptp(b) < _FLAT:
        return float("nan")
    if np.ptp(a) < _FLAT:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def min_max(x: ArrayLike) -> FloatArray:
    """Scale the known samples to [0, 1]; a flat curve becomes 0, and missing samples stay NaN."""
    values = np.asarray(x, dtype=np.float64)
    if not np.isfinite(values).any():
        return values.copy()
    low, high = np.nanmin(values), np.nanmax(values)
    return (values - low) / (high - low if high - low >= _FLAT else 1.0)


def nanmedian(values: ArrayLike) -> float:
    """Return the median of what is not NaN, NaN where nothing is."""
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    return float(np.median(array)) if array.size else float("nan")


def _score(curve: FloatArray, reference: FloatArray) -> tuple[float, float]:
    if reference.size < 2 or not np.isfinite(reference).all() or np.ptp(reference) < _FLAT:
        return float("nan"), float("nan")
    scaled = np.nan_to_num(min_max(curve), nan=0.0)
    target = min_max(reference)
    rmse = float(np.sqrt(np.mean((scaled - target) ** 2)))
    return pearson(scaled, target), rmse * float(np.ptp(reference))
