"""Task 1, morphology: one cycle as 200 samples in [0, 1], with the R peak always at the same sample."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import R_FRACTION
from radarode.tasks.cycles import Cycles
from radarode.tasks.settings import SHAPE_SAMPLES

FloatArray = NDArray[np.floating]


def _phase_times(cycles: Cycles, r_fraction: float) -> NDArray[np.float64]:
    """Return (cycle, 200) times: linear from start to R, and linear from R to end."""
    phase = np.arange(SHAPE_SAMPLES) / SHAPE_SAMPLES
    before = cycles.start_s[:, None] + phase / r_fraction * (cycles.r_s - cycles.start_s)[:, None]
    late = (phase - r_fraction) / (1.0 - r_fraction)
    after = cycles.r_s[:, None] + late * (cycles.end_s - cycles.r_s)[:, None]
    return np.where(phase < r_fraction, before, after)


def encode_shape(
    ecg: FloatArray, fs_hz: float, cycles: Cycles, *, r_fraction: float = R_FRACTION
) -> NDArray[np.float32]:
    """Resample each cycle to 200 samples and scale it to [0, 1].

    The two sides of the R peak are stretched separately, so that R stands at sample `200 * r_fraction` in every cycle
    (the published resampling stretches the cycle as a whole, and R wanders with the rhythm).

    Args:
        ecg: (time,) reference ECG; NaN marks gaps.
        fs_hz: its sampling rate.
        cycles: where the cycles are.
        r_fraction: place of R in its cycle.

    Returns:
        (cycle, 200) float32; a cycle that is invalid, reaches beyond the recording or holds a gap is NaN.
    """
    times = _phase_times(cycles, r_fraction)
    grid = np.arange(len(ecg)) / fs_hz
    values = np.interp(times.ravel(), grid, ecg).reshape(times.shape)
    outside = (times < 0) | (times > grid[-1])
    usable = cycles.valid & ~outside.any(axis=1) & np.isfinite(values).all(axis=1)
    low = values.min(axis=1, keepdims=True)
    span = values.max(axis=1, keepdims=True) - low
    usable &= span[:, 0] > 0
    scaled = (values - low) / np.where(span > 0, span, 1.0)
    return np.where(usable[:, None], scaled, np.nan).astype(np.float32)


def decode_shape(
    shapes: FloatArray, fs_hz: float, n_samples: int, cycles: Cycles, *, r_fraction: float = R_FRACTION
) -> NDArray[np.float32]:
    """Lay each cycle's 200 samples back on the time axis, R on its R peak.

    Args:
        shapes: (cycle, 200); rows of NaN are left as gaps.
        fs_hz: sampling rate of the result.
        n_samples: its length.
        cycles: where the cycles are.
        r_fraction: place of R in its cycle.

    Returns:
        (time,) float32, NaN outside the cycles.
    """
    ecg = np.full(n_samples, np.nan, dtype=np.float32)
    if len(cycles) == 0 or n_samples == 0:
        return ecg
    times = np.arange(n_samples) / fs_hz
    index = cycles.containing(times)
    inside = np.flatnonzero(index >= 0)
    cycle = index[inside]
    t = times[inside]
    start, r, end = cycles.start_s[cycle], cycles.r_s[cycle], cycles.end_s[cycle]
    before = r_fraction * (t - start) / np.maximum(r - start, 1e-9)
    after = r_fraction + (1.0 - r_fraction) * (t - r) / np.maximum(end - r, 1e-9)
    position = np.where(t < r, before, after) * SHAPE_SAMPLES
    left = np.clip(position.astype(np.int64), 0, SHAPE_SAMPLES - 1)
    weight = position - left
    # The last sample of a cycle runs into the first sample of the next, so that the seam has no step.
    joined = np.concatenate([shapes, _next_first_sample(shapes, cycles)[:, None]], axis=1)
    ecg[inside] = (1.0 - weight) * joined[cycle, left] + weight * joined[cycle, left + 1]
    return ecg


def _next_first_sample(shapes: FloatArray, cycles: Cycles) -> FloatArray:
    last = shapes[:, -1].copy()
    adjoining = np.abs(cycles.start_s[1:] - cycles.end_s[:-1]) < 1e-6
    known = np.isfinite(shapes[1:, 0]) & adjoining
    last[:-1] = np.where(known, shapes[1:, 0], last[:-1])
    return last


def shape_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of the scaled cycle (published loss of task 1).

    Args:
        output: (window, 200).
        target: (window, 200); windows whose target is NaN do not count.
    """
    known = torch.isfinite(target)
    error = torch.where(known, output - torch.nan_to_num(target), torch.zeros_like(output))
    return error.square().sum() / known.sum().clamp(min=1)
