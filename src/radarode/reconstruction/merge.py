"""Merge the overlapping anchor maps of windows into one map on the time axis of the recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ, WINDOW_SAMPLES

EDGE_WEIGHT = 0.02
"""Weight of a window's first and last sample against its centre: beats at the rim lack context on one side."""


def window_weights() -> NDArray[np.float64]:
    """Return the (800,) weight of each sample of a window: a raised cosine over a small floor."""
    phase = (np.arange(WINDOW_SAMPLES) + 0.5) / WINDOW_SAMPLES
    return EDGE_WEIGHT + (1.0 - EDGE_WEIGHT) * np.sin(np.pi * phase) ** 2


def merge_maps(
    maps: NDArray[np.floating], start_s: NDArray[np.float64], n_samples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average overlapping maps with `window_weights`.

    Args:
        maps: (window, 800) anchor maps at 200 Hz.
        start_s: (window,) start of each window.
        n_samples: length of the recording at 200 Hz.

    Returns:
        (time,) merged map, zero where no window reaches, and (time,) the total weight there.
    """
    weights = window_weights()
    total = np.zeros(n_samples + WINDOW_SAMPLES)
    weight = np.zeros(n_samples + WINDOW_SAMPLES)
    first = np.rint(start_s * FS_HZ).astype(np.int64)
    for window, begin in enumerate(first):
        # Windows start on frames (1/30 s), samples on 1/200 s: move the map by the rest, at most half a sample.
        shift = start_s[window] * FS_HZ - begin
        moved = np.interp(np.arange(WINDOW_SAMPLES), np.arange(WINDOW_SAMPLES) + shift, maps[window])
        total[begin : begin + WINDOW_SAMPLES] += weights * moved
        weight[begin : begin + WINDOW_SAMPLES] += weights
    total, weight = total[:n_samples], weight[:n_samples]
    return np.divide(total, weight, out=np.zeros(n_samples), where=weight > 0), weight
