"""Merge the overlapping anchor maps of windows into one map on the time axis of the recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ, WINDOW_SAMPLES

EDGE_WEIGHT = 0.02
"""Weight of a window's first and last sample against its centre: beats at the rim lack context on one side."""


def window_weights(samples: int = WINDOW_SAMPLES) -> NDArray[np.float64]:
    """Return the (samples,) weight of each sample of a window: a raised cosine over a small floor."""
    phase = (np.arange(samples) + 0.5) / samples
    return EDGE_WEIGHT + (1.0 - EDGE_WEIGHT) * np.sin(np.pi * phase) ** 2


def lay_maps(
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    maps: NDArray[np.floating],
    start_s: NDArray[np.float64],
    first: int = 0,
) -> None:
    """Add the maps of windows to running sums, in place.

    Args:
        total: (time,) weighted sum of the maps, at 200 Hz.
        weight: (time,) sum of the weights.
        maps: (window, 800) anchor maps.
        start_s: (window,) start of each window; every window must lie within `total`.
        first: number of the sample that `total` begins with.
    """
    weights, samples = window_weights(), np.arange(WINDOW_SAMPLES)
    for window, begin in enumerate(np.rint(start_s * FS_HZ).astype(np.int64)):
        # Windows start on frames (1/30 s), samples on 1/200 s: move the map by the rest, at most half a sample.
        shift = start_s[window] * FS_HZ - begin
        moved = np.interp(samples, samples + shift, maps[window])
        part = slice(begin - first, begin - first + WINDOW_SAMPLES)
        total[part] += weights * moved
        weight[part] += weights


def mean_map(total: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (time,) weighted mean of the maps that `lay_maps` summed, zero where no window reaches."""
    return np.divide(total, weight, out=np.zeros(len(total)), where=weight > 0)


class MapMerger:
    """Average overlapping maps with `window_weights`, as they come.

    Args:
        n_samples: length of the recording at 200 Hz.
    """

    def __init__(self, n_samples: int) -> None:
        self._n_samples = n_samples
        self._total = np.zeros(n_samples + WINDOW_SAMPLES)
        self._weight = np.zeros(n_samples + WINDOW_SAMPLES)

    def add(self, maps: NDArray[np.floating], start_s: NDArray[np.float64]) -> None:
        """Add windows.

        Args:
            maps: (window, 800) anchor maps at 200 Hz.
            start_s: (window,) start of each window.
        """
        lay_maps(self._total, self._weight, maps, start_s)

    def merged(self) -> NDArray[np.float64]:
        """Return the (time,) merged map, zero where no window reaches."""
        return mean_map(self._total[: self._n_samples], self._weight[: self._n_samples])
