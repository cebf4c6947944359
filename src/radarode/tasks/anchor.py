"""Task 3, anchors: an 800-sample map of the 4-s window that is high where R peaks are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FS_HZ, WINDOW_S, WINDOW_SAMPLES
from radarode.core.vertex import parabola_offset
from radarode.tasks.settings import TaskSettings

FloatArray = NDArray[np.floating]


def encode_anchor(
    r_s: NDArray[np.float64], start_s: NDArray[np.float64], settings: TaskSettings
) -> NDArray[np.float32]:
    """Draw the R peaks of each window: one-sample impulses, or Gaussians of height 1.

    Args:
        r_s: (beat,) R peaks of the recording, increasing.
        start_s: (window,) start of each window.
        settings: width of the Gaussian; 0 gives the published impulses.

    Returns:
        (window, 800) float32. R peaks just outside a window still show the tail that reaches into it.
    """
    maps = np.zeros((len(start_s), WINDOW_SAMPLES), dtype=np.float32)
    margin = 4.0 * settings.anchor_sigma_s
    first = np.searchsorted(r_s, start_s - margin)
    last = np.searchsorted(r_s, start_s + WINDOW_S + margin)
    samples = np.arange(WINDOW_SAMPLES) / FS_HZ
    for window, (begin, end) in enumerate(zip(first, last, strict=True)):
        relative = r_s[begin:end] - start_s[window]
        if settings.anchor_sigma_s == 0.0:
            index = np.rint(relative * FS_HZ).astype(np.int64)
            maps[window, index[(index >= 0) & (index < WINDOW_SAMPLES)]] = 1.0
        elif len(relative):
            distance = (samples[None, :] - relative[:, None]) / settings.anchor_sigma_s
            maps[window] = np.exp(-0.5 * (distance**2).min(axis=0))
    return maps


def decode_anchor(
    anchor_map: FloatArray, *, threshold: float, min_distance_s: float, start_s: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the R peaks of a map of any length, to a fraction of a sample.

    Args:
        anchor_map: (time,) at 200 Hz.
        threshold: lowest value of a peak.
        min_distance_s: of two closer peaks, the higher one stays.
        start_s: time of the first sample.

    Returns:
        (beat,) times in seconds and (beat,) heights.
    """
    values = np.nan_to_num(np.asarray(anchor_map, dtype=np.float64))
    padded = np.concatenate([[-np.inf], values, [-np.inf]])
    is_peak = (values >= threshold) & (values > padded[:-2]) & (values >= padded[2:])
    peaks = np.flatnonzero(is_peak)
    keep = np.zeros(len(peaks), dtype=bool)
    spacing = round(min_distance_s * FS_HZ)
    for candidate in np.argsort(-values[peaks], kind="stable"):
        lo, hi = np.searchsorted(peaks, [peaks[candidate] - spacing + 1, peaks[candidate] + spacing])
        if not keep[lo:hi].any():
            keep[candidate] = True
    peaks = peaks[keep]
    inner = np.clip(peaks, 1, len(values) - 2)
    offset = parabola_offset(values[inner - 1], values[inner], values[inner + 1])
    return start_s + (peaks + np.where(inner == peaks, offset, 0.0)) / FS_HZ, values[peaks]


def anchor_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of the map (published loss of task 3).

    Args:
        output: (window, 800).
        target: (window, 800).
    """
    return (output - target).square().mean()
