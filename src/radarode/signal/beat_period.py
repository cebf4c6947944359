"""The local beat period: from the autocorrelation of the energy, tracked over time.

A heartbeat has two bumps of energy, so the autocorrelation has peaks at the distance between them and at the rest of
the period, too. Four things keep the track on the whole period: the autocorrelation is summed over channels, and v1
and v2 have different patterns over the chest; a period must also show at twice its lag, where the distance between
the bumps does not; it must not show at half or a third of its lag; and the period changes slowly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.signal.beat_energy import ENERGY_HZ

FloatArray = NDArray[np.float64]

SECOND_LAG = 0.6
"""Weight of the autocorrelation at twice the period."""

PART_LAG = 0.3
"""Weight of the autocorrelation at half or a third of the period, which counts against it: several periods repeat as
well as one."""

USUAL_S = 0.85
SPREAD = 0.6
PRIOR = 0.06
"""Cost of a period a factor e^0.6 away from 0.85 s, in units of clarity: it decides between equals only."""

CHANGE = 0.09
COST = 0.25
MOST_COST = 0.5
"""Cost of a period that changes by 9 % from one second to the next, and the most that any change costs."""


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """Hold the beat period over time.

    Attributes:
        time_s: (window,) centres.
        period_s: (window,) beat period.
        clarity: (window,) normalised autocorrelation of the pooled energy at that period, up to 1.
    """

    time_s: FloatArray
    period_s: FloatArray
    clarity: FloatArray

    def at(self, times_s: FloatArray) -> FloatArray:
        """Return the period at given times, interpolated."""
        return np.interp(times_s, self.time_s, self.period_s)


def track_period(
    pooled: NDArray[np.float64], summed: NDArray[np.float64], hop: int, limits_s: tuple[float, float]
) -> Period:
    """Follow the beat period.

    Args:
        pooled: (window, lag) autocorrelation of the pooled energy, `lagged_products` of one channel.
        summed: (window, lag) weighted sum of the channels' autocorrelations.
        hop: frames between windows.
        limits_s: shortest and longest period.

    Returns:
        The period of each window.
    """
    lags = np.exp(np.arange(np.log(limits_s[0]), np.log(limits_s[1]), 0.02))
    shape = _at_lags(pooled, lags) + _at_lags(summed, lags)
    twice = _at_lags(pooled, 2 * lags) + _at_lags(summed, 2 * lags)
    part = np.zeros_like(shape)
    for share in (0.5, 1.0 / 3.0):
        faster = _at_lags(pooled, share * lags) + _at_lags(summed, share * lags)
        part = np.maximum(part, np.where(share * lags >= limits_s[0], faster, 0.0))
    score = 0.5 * (shape + SECOND_LAG * twice - PART_LAG * part) / (1.0 + SECOND_LAG)
    score -= PRIOR * (np.log(lags / USUAL_S) / SPREAD) ** 2
    path = _best_path(score, np.log(lags))
    own = _at_lags(pooled, lags)
    rows = np.arange(len(path))
    return Period(rows * hop / ENERGY_HZ, lags[path], np.clip(own[rows, path], 0.0, 1.0))


def _at_lags(products: NDArray[np.float64], lags_s: FloatArray) -> NDArray[np.float64]:
    """Return (window, lag) the normalised autocorrelation at lags between frames."""
    power = np.maximum(products[:, :1], 1e-12)
    grid = np.arange(products.shape[1]) / ENERGY_HZ
    normal = np.where(products[:, :1] > 1e-9, products / power, 0.0)
    return np.stack([np.interp(lags_s, grid, row, right=0.0) for row in normal])


def _best_path(score: NDArray[np.float64], log_lag: FloatArray) -> NDArray[np.int64]:
    """Return the (window,) path of highest score minus the bounded cost of changes."""
    change = log_lag[:, None] - log_lag[None, :]
    cost = np.minimum(COST * (change / CHANGE) ** 2, MOST_COST)
    total = score[0]
    back = np.zeros(score.shape, dtype=np.int64)
    for row in range(1, len(score)):
        ways = total[None, :] - cost
        back[row] = ways.argmax(axis=1)
        total = ways.max(axis=1) + score[row]
    path = np.empty(len(score), dtype=np.int64)
    path[-1] = total.argmax()
    for row in range(len(score) - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path
