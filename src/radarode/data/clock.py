"""The rows of a time column on a regular grid: their rate, and which sample each row is.

Rows between two dropouts are taken as equally spaced in truth, however their stamps scatter: stamps are rounded,
jitter, or come in packets that arrive at once. So the rate is the slope of one line through the times of all rows,
with a free offset after each dropout, and a row's sample follows from its number and from the absolute time of
its run. An error of a single stamp is neither accumulated nor turned into a hole.

What counts as a dropout is not known beforehand. Three readings are compared, with more dropouts each: none;
steps over 1.5 times the 99th percentile (which packets do not reach); steps over 1.5 times the median (single
missing rows). A reading with more dropouts is taken only where the one before leaves the times drifting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.types import FloatArray
from radarode.data.to_rcg import check_rate

LARGEST_DRIFT = 1.5
"""Samples by which the times, averaged over a second, may leave the grid: more is another rate, not jitter."""

LARGEST_JITTER_S = 0.1
"""How far a single stamp may lie from the grid, as in packets of up to 0.2 s; at least 1.5 samples are allowed."""

_SETTLED_DRIFT = 0.25
_LONG_STEP = 1.5
_LATEST_S = 1e15


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Hold where rows stand: row n at sample `n + shift[n]`, sample k at `start_s + k / fs_hz`.

    Attributes:
        fs_hz: rate, to ten digits.
        start_s: time of sample 0.
        shift: (row,) missing samples before each row, not decreasing; whole numbers.
    """

    fs_hz: float
    start_s: float
    shift: FloatArray

    @property
    def n_samples(self) -> float:
        """Length of the grid."""
        return len(self.shift) + float(self.shift[-1])

    @property
    def index(self) -> NDArray[np.int64]:
        """Sample of each row, strictly increasing; check `n_samples` first."""
        return np.arange(len(self.shift)) + self.shift.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    step_s: float
    run: NDArray[np.intp]
    offset_s: FloatArray
    drift: float


def fit_clock(time_s: FloatArray, what: str) -> Clock:
    """Find the rate of a time column and the sample of each row.

    Args:
        time_s: (row,) at least two finite, strictly increasing times.
        what: how to name the column in messages.

    Returns:
        The clock; `check_regular` tells whether the times keep it.

    Raises:
        InputError: times that cannot be seconds.

    Example:
        >>> row = np.r_[0:70, 100:170]
        >>> clock = fit_clock(np.round(row / 700, 3), "t")
        >>> round(clock.fs_hz), bool((clock.index == row).all())
        (700, True)
    """
    elapsed_s = time_s - time_s[0]
    steps_s = np.diff(elapsed_s)
    if not time_s[-1] < _LATEST_S or not np.median(steps_s) > 1 / _LATEST_S:
        raise InputError(f"{what} has steps too large or too small for a sampling rate. Give seconds.")
    usual_s = (np.percentile(steps_s, 99, method="lower"), np.median(steps_s))
    best = _fit(elapsed_s, np.zeros(len(steps_s), dtype=bool))
    for limit_s in (_LONG_STEP * float(step_s) for step_s in usual_s):
        if best.drift <= _SETTLED_DRIFT:
            break
        finer = _fit(elapsed_s, steps_s > limit_s)
        if _is_plausible(finer) and finer.drift < 0.5 * best.drift:
            best = finer
    fs_hz = float(f"{1 / best.step_s:.10g}")
    check_rate(fs_hz)
    offset_s = _run_means(elapsed_s - np.arange(len(elapsed_s)) / fs_hz, best.run)
    missing = np.maximum.accumulate(np.rint((offset_s - offset_s[0]) * fs_hz))
    return Clock(fs_hz, float(time_s[0] + offset_s[0]), missing[best.run])


def check_regular(clock: Clock, time_s: FloatArray, what: str) -> None:
    """Raise `InputError` when times leave the grid: on average over a second, or one of them by far."""
    late = (time_s - clock.start_s) * clock.fs_hz - clock.index
    drift = _drift(late, clock.fs_hz)
    worst = float(np.abs(late).max())
    if drift > LARGEST_DRIFT or worst > max(LARGEST_DRIFT, LARGEST_JITTER_S * clock.fs_hz):
        raise InputError(
            f"{what} is not regular: rows lie up to {worst / clock.fs_hz:.3g} s off a grid of {clock.fs_hz:.4g} Hz. "
            "Resample it to one rate, or leave the column out and add --fs HZ."
        )


def _fit(elapsed_s: FloatArray, dropout: NDArray[np.bool_]) -> _Fit:
    """Fit one slope and an offset for each run between dropouts, by least squares."""
    run = np.concatenate([[0], np.cumsum(dropout)])
    row = np.arange(len(elapsed_s), dtype=np.float64)
    from_mean = row - _run_means(row, run)[run]
    spread = float(from_mean @ from_mean)
    if spread == 0:
        return _Fit(np.nan, run, np.zeros(run[-1] + 1), np.inf)
    within_s = elapsed_s - _run_means(elapsed_s, run)[run]
    step_s = float(from_mean @ within_s) / spread
    late = (within_s - step_s * from_mean) / step_s
    return _Fit(step_s, run, _run_means(elapsed_s - step_s * row, run), _drift(late, 1 / step_s))


def _run_means(values: FloatArray, run: NDArray[np.intp]) -> FloatArray:
    first = np.flatnonzero(np.diff(run, prepend=-1))
    return np.add.reduceat(values, first) / np.bincount(run)


def _drift(late: FloatArray, fs_hz: float) -> float:
    """Return the largest mean of `late` over a second of rows, or over a quarter of all where those are less."""
    rows = max(1, int(min(fs_hz, len(late) / 4)))
    sums = np.concatenate([[0.0], np.cumsum(late)])
    return float(np.abs(sums[rows:] - sums[:-rows]).max()) / rows


def _is_plausible(fit: _Fit) -> bool:
    """Refuse dropouts that miss less than a row (jitter) or more rows than the short runs between them (packets)."""
    if not np.isfinite(fit.drift) or len(fit.offset_s) == 1:
        return False
    missing = float(np.median(np.diff(fit.offset_s))) / fit.step_s
    rows = float(np.median(np.bincount(fit.run)))
    return missing >= 0.75 and (missing < rows or rows * fit.step_s > 1.0)
